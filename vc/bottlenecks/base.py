"""What a bottleneck is: it takes (B, C, T') and returns a small result object; the model and the training loop need to
know nothing else about it."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import nn


@dataclass(frozen=True)
class Squeezed:
    """z: the code (B, C, T'). penalty: a scalar that training keeps small, or None; weight: what it counts in the loss.
    metrics: scalars for the log, in training. codes: of a discrete bottleneck, (B, K, T') of whole numbers."""

    z: torch.Tensor
    penalty: torch.Tensor | None = None
    metrics: dict = field(default_factory=dict)
    codes: torch.Tensor | None = None
    weight: float | torch.Tensor = 1.0


class Bottleneck(nn.Module, ABC):
    """Base of all bottlenecks. `step` is the training step, for what is annealed.

    In training a bottleneck may draw random numbers from torch's global generator, which the training loop seeds at
    each step; otherwise it is deterministic. `forward` changes nothing in the bottleneck; what is learnt without a
    gradient is learnt in `learn`.
    """

    cardinalities: tuple = ()
    """How many values each of the K codes of a frame can take; () where the code is continuous."""

    def __init__(self):
        super().__init__()
        self.register_buffer("step", torch.zeros(()), persistent=False)  # a tensor: a number would be compiled in

    @abstractmethod
    def forward(self, x) -> Squeezed:
        """x: (B, C, T'), normalised over time."""

    def look_up(self, codes):
        """The z (B, C, T') that codes (B, K, T') stand for. Discrete bottlenecks only."""
        raise NotImplementedError(f"{type(self).__name__} has a continuous code")

    def learn(self, x, squeezed):
        """Called once a training step, after the forward pass of what the content half is taken from.

        x: what came in (B, C, T'). squeezed: what came out.
        """

    @property
    def bits_per_frame(self):
        """The most that a frame of a discrete code can say; infinite where the code is continuous."""
        return sum(map(math.log2, self.cardinalities)) if self.cardinalities else math.inf


def straight_through(chosen, soft):
    """`chosen` to the last bit, with the gradient of `soft` (Bengio et al. 2013, arXiv 1308.3432)."""
    return chosen.detach() + (soft - soft.detach())


def count_uses(codes, cardinality):
    """How often each value occurs in whole numbers of any shape: (cardinality,)."""
    codes = codes.flatten()
    return torch.zeros(cardinality, device=codes.device).index_add(0, codes, torch.ones_like(codes, dtype=torch.float))


def perplexity(uses):
    """How many values are in use, as it were: the exponential of the entropy of uses (V,), from 1 to V."""
    share = uses / uses.sum()
    return torch.xlogy(share, share).sum().neg().exp()
