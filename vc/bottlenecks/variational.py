"""The variational auto-encoder's code: a normal distribution a frame, kept near the standard one."""

from typing import final

import torch
from torch import nn

from vc.bottlenecks.base import Bottleneck, Squeezed
from vc.registry import expect_within

LOG_VARIANCES = (-12.0, 8.0)
START_LOG_VARIANCE = -2.0  # little noise at first, so that the decoder finds something to listen to
ACTIVE = 0.01


@final
class Variational(Bottleneck):
    """VAE (Kingma and Welling 2014, arXiv 1312.6114): z is drawn in training and is the mean otherwise.

    weight: of the KL divergence from N(0, 1), in nats a frame, summed over dimensions (beta of Higgins et al. 2017).
    The reconstruction error is a mean over bands in standard deviations, so weights far below 1 weigh a lot.
    anneal_steps: over which the weight rises linearly from 0 (Bowman et al. 2016, arXiv 1511.06349).
    free_bits: nats a dimension may say before it costs (Kingma et al. 2016, arXiv 1606.04934); against dimensions that
    say nothing.

    Metrics: `kl` in nats a frame, and how many dimensions are `active`: their means vary by more than 0.01 (Burda et
    al. 2016, arXiv 1509.00519).
    """

    def __init__(self, dims, *, weight=0.001, free_bits=0.1, anneal_steps=1000):
        super().__init__()
        expect_within("weight", weight, 0)
        expect_within("free_bits", free_bits, 0)
        expect_within("anneal_steps", anneal_steps, 1)
        self.weight, self.free_bits, self.anneal_steps = weight, free_bits, anneal_steps
        self.to_normal = nn.Conv1d(dims, 2 * dims, 1)
        nn.init.constant_(self.to_normal.bias[dims:], START_LOG_VARIANCE)

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            mean, log_variance = self.to_normal(x.float()).chunk(2, dim=1)
            if not self.training:
                return Squeezed(mean)
            log_variance = log_variance.clamp(*LOG_VARIANCES)
            z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
            kl = divergence(mean, log_variance).mean((0, 2))
            active = (mean.var((0, 2), correction=0) > ACTIVE).sum()
            return Squeezed(z, kl.clamp(min=self.free_bits).sum(),
                            {"kl": kl.sum().detach(), "active": active.float()},
                            weight=self.weight * (self.step / self.anneal_steps).clamp(max=1))


def divergence(mean, log_variance):
    """KL divergence of N(mean, exp(log_variance)) from N(0, 1), element by element, in nats."""
    return (mean.square() + log_variance.exp() - 1 - log_variance) / 2
