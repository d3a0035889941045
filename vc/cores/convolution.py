"""Convolutions, which see a few neighbours of a frame."""

from typing import final

from torch import nn

from vc.cores.base import Core
from vc.layers import only_valid


@final
class Convolution(Core):
    """Two convolutions."""

    def __init__(self, width, kernel):
        super().__init__()
        self.first = _MaskedConv(width, width, kernel, padding=kernel // 2)
        self.second = _MaskedConv(width, width, kernel, padding=kernel // 2)


class _MaskedConv(nn.Conv1d):
    def forward(self, x, mask=None):
        return super().forward(only_valid(x, mask))
