"""What a core is: two stages, each of which keeps the shape of what it is given."""

from abc import ABC

import torch
from torch import nn
from torch.nn import functional as F


class Core(nn.Module, ABC):
    """Base of all cores: (B, C, T) -> (B, C, T), to be added to the input.

    first, second: modules (x (B, C, T), mask (B, 1, T) or None) -> (B, C, T). They are two so that the decoder can
    normalise before each of them as the speaker half asks. Where there is a mask, no valid frame may hear what lies
    behind it; what comes out there is left to chance. There must be no limit to T, nor any place counted from the
    beginning: training sees segments of a few seconds, conversion windows of 24 s.
    """

    first: nn.Module
    second: nn.Module

    def forward(self, x, mask=None) -> torch.Tensor:
        return self.second(F.gelu(self.first(x, mask)), mask)
