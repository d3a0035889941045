"""The code shall tell as much as possible of the speech: the discriminator of true and exchanged pairs of input and
code, which elsewhere only measures a code (vc.probing.information), as something to train by (Deep InfoMax, Hjelm et
al. 2019, arXiv 1808.06670)."""

from typing import final

import torch
from torch.nn import functional as F

from vc.bounds import BOUNDS, PairCritic
from vc.code_losses.base import CodeLoss
from vc.registry import expect


@final
class Information(CodeLoss):
    """Less the bound on what the code at a moment tells of the speech around it; discriminator and encoder raise it
    together.

    A pair is exchanged within its utterance: among other people's moments the voice would betray the true one, and the
    code would be paid for carrying it. The speech is the clean one, not what the encoder heard, so that nothing is paid
    for noise.

    bound: a name in vc.bounds.BOUNDS. moments: how many are drawn of each item. frames: mel frames that a moment lasts.
    width: of the discriminator.
    """

    def __init__(self, bands, content_dims, *, bound="divergence", moments=32, frames=8, width=128):
        super().__init__(bands, content_dims)
        expect("code_losses.information.bound", bound, bound in BOUNDS, f"one of {', '.join(BOUNDS)}")
        expect("code_losses.information.moments", moments, moments >= 2, "at least 2 to exchange")
        expect("code_losses.information.frames", frames, frames >= 1, "at least 1 frame")
        expect("code_losses.information.width", width, width >= 1, "at least 1")
        self.bound, self.moments, self.frames = BOUNDS[bound], moments, frames
        self.critic = PairCritic(bands * frames, content_dims, width)

    def forward(self, coding):
        B, C, frames = coding.content.shape
        times = torch.randperm(frames, device=coding.content.device)[:self.moments]
        codes = coding.content[:, :, times].mT
        return -self.bound(self.critic(self._speech_at(times, coding), codes)).mean()

    def _speech_at(self, times, coding):
        """(B, K, M * frames): the mel frames around content frames `times` (K,)."""
        before = self.frames // 2
        padded = F.pad(coding.clean, (before, self.frames), mode="replicate")
        windows = padded.unfold(2, self.frames, 1)  # (B, M, T + before + 1, frames), views; window t begins before t
        return windows[:, :, times * coding.stride].transpose(1, 2).flatten(2)
