"""The two bottlenecks that only bound the code: by its width alone, and by a range."""

from typing import final

import torch
from torch import nn

from vc.bottlenecks.base import Bottleneck, Squeezed


@final
class Plain(Bottleneck):
    """Nothing but the narrow width: an ordinary auto-encoder's code."""

    def __init__(self, dims):
        super().__init__()

    def forward(self, x):
        return Squeezed(x)


@final
class Sigmoid(Bottleneck):
    """Values in (0, 1). A flattened sigmoid was the best of the activations tried by Chen et al. 2021
    (AGAIN-VC, arXiv 2011.00316).

    affine: each dimension learns a scale and an offset, without which the mean of a normalised dimension stays near
    where it was. offset: what is added at first.
    """

    def __init__(self, dims, *, affine=False, offset=0.0):
        super().__init__()
        self.affine, self.offset = affine, offset
        if affine:
            self.scale = nn.Parameter(torch.ones(dims, 1))
            self.offset = nn.Parameter(torch.full((dims, 1), float(offset)))

    def forward(self, x):
        return Squeezed(torch.sigmoid((x * self.scale if self.affine else x) + self.offset))
