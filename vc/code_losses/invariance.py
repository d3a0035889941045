"""The code of speech depends neither on whose voice says it nor on the noise behind it."""

from typing import final

import torch
from torch.nn import functional as F

from vc.code_losses.base import CodeLoss


@final
class Invariance(CodeLoss):
    """1 - cosine between each frame's code as it was heard, in a moved voice and with what was put behind it, and its
    code in the recording; the mean over frames.

    Perturbation alone makes the decoder do without the voice that was moved; this asks the encoder not to tell it in
    the first place. Drawing the codes of two views together: ContentVec (Qian et al. 2022, arXiv 2204.09224).

    Not the distance of the two: after instance normalisation the code has deviation 1 over an utterance, and an encoder
    learns to spend it on its last frames, which it knows by the padding, and to whisper in all others.
    """

    bottlenecks = ("plain",)

    def forward(self, coding):
        with torch.autocast(coding.content.device.type, enabled=False):
            recorded = coding.encode(coding.clean).float()
            return (1 - F.cosine_similarity(coding.content.float(), recorded)).mean()
