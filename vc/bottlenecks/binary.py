"""A code of bits."""

from typing import final

import torch

from vc.bottlenecks.base import Bottleneck, Squeezed


@final
class Binary(Bottleneck):
    """Each dimension is -1 or 1, by its sign; the gradient passes straight through (Bengio et al. 2013,
    arXiv 1308.3432) where |x| <= 1, so that nothing is pushed ever further from the threshold (Hubara et al. 2016,
    arXiv 1602.02830)."""

    def __init__(self, dims):
        super().__init__()
        self.cardinalities = (2,) * dims

    def forward(self, x):
        bits = x > 0
        soft = x.clamp(-1, 1)
        z = soft + (bits.to(x.dtype) * 2 - 1 - soft).detach()
        return Squeezed(z, metrics={"ones": bits.float().mean()}, codes=bits.long())

    def look_up(self, codes):
        return codes.float() * 2 - 1
