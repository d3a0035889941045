"""A code of bits."""

from typing import final

from vc.bottlenecks.base import Bottleneck, Squeezed, straight_through


@final
class Binary(Bottleneck):
    """Each dimension is -1 or 1, by its sign; the gradient passes straight through where |x| <= 1, so that nothing is
    pushed ever further from the threshold (Hubara et al. 2016, arXiv 1602.02830)."""

    def __init__(self, dims):
        super().__init__()
        self.cardinalities = (2,) * dims

    def forward(self, x):
        codes = (x > 0).long()
        z = straight_through(self.look_up(codes), x.float().clamp(-1, 1))
        return Squeezed(z, metrics={"ones": codes.float().mean()}, codes=codes)

    def look_up(self, codes):
        return codes.float() * 2 - 1
