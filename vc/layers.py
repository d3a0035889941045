"""Building blocks that encoder and decoder share. All work on (B, C, T) with an optional mask (B, 1, T) of 0 and 1.

Where a mask is given, what lies behind it neither reaches a valid frame nor counts in a statistic, so that a padded
item of a batch comes out as it would alone.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Normalised:
    """Result of instance normalisation: x (B, C, T) and what was taken out of it, mean and std (B, C)."""

    x: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor


def instance_norm(x, mask=None):
    """Take each channel's mean and standard deviation over time out of x (B, C, T); no affine parameters.

    What is constant over an utterance is mostly the voice and the channel, so the statistics taken out describe the
    speaker, and what stays describes the content (Chou et al. 2019, arXiv 1904.05742).
    """
    with torch.autocast(x.device.type, enabled=False):  # half precision loses small variances
        x = x.float()
        if mask is None:
            mean = x.mean(2, keepdim=True)
            variance = (x - mean).square().mean(2, keepdim=True)  # by torch.var_mean it takes a CPU eight times as long
        else:
            frames = mask.sum(2, keepdim=True)
            mean = (x * mask).sum(2, keepdim=True) / frames
            variance = ((x - mean).square() * mask).sum(2, keepdim=True) / frames
        std = (variance + NORM_EPSILON).sqrt()
        normalised = (x - mean) / std
        if mask is not None:
            normalised = normalised * mask
    return Normalised(normalised, mean.squeeze(2), std.squeeze(2))


class AdaptiveBlock(nn.Module):
    """A residual block whose two normalisations are set by the speaker half (B, S).

    Adaptive instance normalisation (Huang and Belongie 2017, arXiv 1703.06868): take out the statistics, put in
    those that the speaker asks for. core: a vc.cores.Core, whose two stages follow a normalisation each.
    """

    def __init__(self, core, width, speaker_dims):
        super().__init__()
        self.first, self.second = core.first, core.second
        self.style = nn.Linear(speaker_dims, 4 * width)

    def forward(self, x, speaker, mask=None):
        scale_1, shift_1, scale_2, shift_2 = self.style(speaker).unsqueeze(2).chunk(4, dim=1)
        h = F.gelu(instance_norm(x, mask).x * (1 + scale_1) + shift_1)
        h = self.first(h, mask)
        h = F.gelu(instance_norm(h, mask).x * (1 + scale_2) + shift_2)
        return x + self.second(h, mask)


def only_valid(x, mask):
    """x (B, C, T) where the mask is 1, 0 elsewhere; no mask leaves all."""
    return x if mask is None else x * mask


def frame_mask(lengths, frames, device=None):
    """(B, 1, T) with 1 where t < lengths[b]; lengths: (B,) in frames."""
    return (torch.arange(frames, device=device) < lengths.to(device).unsqueeze(1)).unsqueeze(1).float()
