"""From the mel's frame rate down to the content's, and up again. To add a way: write it here and name it in DOWN or
UP.

All work on (B, C, T) at the mel's rate, (B, C, T') at the content's, T' = ceil(T / stride), with an optional mask
(B, 1, T); what lies behind it reaches no valid frame.
"""

import math
from typing import final

from torch import nn
from torch.nn import functional as F

from vc.layers import only_valid
from vc.registry import make


@final
class Strided(nn.Conv1d):
    """A convolution that takes steps of `stride` frames. (B, M, T) -> (B, C, T')."""

    def __init__(self, bands, width, stride):
        super().__init__(bands, width, 2 * stride + 1, stride=stride, padding=stride)

    def forward(self, x, mask=None):
        return super().forward(only_valid(x, mask))


@final
class Pooled(nn.Conv1d):
    """A convolution at the mel's rate, and of each `stride` frames the largest value. (B, M, T) -> (B, C, T')."""

    def __init__(self, bands, width, stride):
        super().__init__(bands, width, 2 * stride + 1, padding=stride)
        self.pool = stride

    def forward(self, x, mask=None):
        h = super().forward(only_valid(x, mask))
        missing = -x.shape[2] % self.pool
        if mask is None:
            return F.max_pool1d(F.pad(h, (0, missing), value=-math.inf), self.pool)
        h = F.pad(h.masked_fill(mask == 0, -math.inf), (0, missing), value=-math.inf)
        return F.max_pool1d(h, self.pool).masked_fill(mask[:, :, ::self.pool] == 0, 0)


@final
class Shuffled(nn.Conv1d):
    """Each content frame says `stride` mel frames, one after the other. (B, C, T') -> (B, C, T)."""

    def __init__(self, width, stride):
        super().__init__(width, width * stride, 1)
        self.times = stride

    def forward(self, h, frames, mask=None):
        B, C, T = h.shape
        spread = super().forward(h).view(B, C, self.times, T)
        return spread.transpose(2, 3).reshape(B, C, T * self.times)[:, :, :frames]


@final
class Transposed(nn.ConvTranspose1d):
    """The strided convolution turned round: each content frame adds to 2 * stride mel frames, so that neighbours
    overlap. (B, C, T') -> (B, C, T)."""

    def __init__(self, width, stride):
        super().__init__(width, width, 2 * stride, stride=stride, padding=stride // 2)
        self.times = stride

    def forward(self, h, frames, mask=None):
        return super().forward(only_valid(h, None if mask is None else mask[:, :, ::self.times]))[:, :, :frames]


@final
class Unpooled(nn.Conv1d):
    """Each content frame is repeated `stride` times, then a convolution (Odena et al. 2016, "Deconvolution and
    checkerboard artifacts"). (B, C, T') -> (B, C, T).

    Unpooling that puts each value where pooling found it would need the places from the encoder, and they would carry
    the source past the bottleneck.
    """

    def __init__(self, width, stride):
        super().__init__(width, width, 2 * stride + 1, padding=stride)
        self.times = stride

    def forward(self, h, frames, mask=None):
        return super().forward(only_valid(h.repeat_interleave(self.times, dim=2)[:, :, :frames], mask))


DOWN = {"strided": Strided, "pooled": Pooled}
UP = {"shuffled": Shuffled, "transposed": Transposed, "unpooled": Unpooled}


def make_down(name, bands, width, stride) -> nn.Module:
    """(x (B, M, T), mask (B, 1, T) or None) -> (B, C, T'). Raises ConfigError."""
    return make("way down", DOWN, name, {}, bands, width, stride)


def make_up(name, width, stride) -> nn.Module:
    """(h (B, C, T'), T, mask (B, 1, T) or None) -> (B, C, T). Raises ConfigError."""
    return make("way up", UP, name, {}, width, stride)
