"""The sparse auto-encoder: few dimensions of the code are active at a time (Ng, CS294A lecture notes, 2011)."""

from typing import final

import torch

from vc.code_losses.base import CodeLoss
from vc.registry import expect


@final
class SparseL1(CodeLoss):
    """The mean absolute value of the code.

    The code comes out of an instance normalisation, each dimension with mean 0 and deviation 1, so that it cannot
    become small by being scaled down: what is left is to be near 0 most of the time and far from it seldom.
    """

    bottlenecks = ("plain",)

    def forward(self, coding):
        return coding.content.float().abs().mean()


@final
class SparseKL(CodeLoss):
    """How far the rate of each dimension, its mean over the batch, is from the target rate: the Kullback-Leibler
    divergence of two coins, in nats, mean over the dimensions.

    The mean of a sigmoid of normalised values hardly moves by itself. Give the bottleneck a scale and an offset to
    learn, `model.bottleneck_settings: {affine: true, offset: -2.0}`.
    """

    bottlenecks = ("sigmoid",)

    def __init__(self, bands, content_dims, *, rate=0.1):
        super().__init__(bands, content_dims)
        expect("code_losses.sparse_kl.rate", rate, 0 < rate < 1, "a target rate above 0 and below 1")
        self.rate = rate

    def forward(self, coding):
        found = coding.content.float().mean((0, 2)).clamp(1e-6, 1 - 1e-6)
        target = torch.full_like(found, self.rate)
        return (target * (target / found).log() + (1 - target) * ((1 - target) / (1 - found)).log()).mean()
