"""The two bottlenecks that only bound the code: by its width alone, and by a range."""

from typing import final

import torch

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
    (AGAIN-VC, arXiv 2011.00316)."""

    def __init__(self, dims):
        super().__init__()

    def forward(self, x):
        return Squeezed(torch.sigmoid(x))
