"""What squeezes the content half. A bottleneck takes (B, C, T') and returns a small result object; the model and the
training loop need to know nothing else about it. To add one: write the class, name it in BOTTLENECKS.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import final

import torch
from torch import nn

from vc.errors import ConfigError


@dataclass(frozen=True)
class Squeezed:
    """z: the code (B, C, T'). penalty: a scalar to add to the loss, or None. metrics: scalars for the log."""

    z: torch.Tensor
    penalty: torch.Tensor | None = None
    metrics: dict = field(default_factory=dict)


class Bottleneck(nn.Module, ABC):
    """Base of all bottlenecks."""

    @abstractmethod
    def forward(self, x) -> Squeezed:
        """x: (B, C, T'), normalised over time."""


@final
class Plain(Bottleneck):
    """Nothing but the narrow width: an ordinary auto-encoder's code."""

    def forward(self, x):
        return Squeezed(x)


@final
class Sigmoid(Bottleneck):
    """Values in (0, 1). A flattened sigmoid was the best of the activations tried by Chen et al. 2021
    (AGAIN-VC, arXiv 2011.00316)."""

    def forward(self, x):
        return Squeezed(torch.sigmoid(x))


BOTTLENECKS = {"plain": Plain, "sigmoid": Sigmoid}


def make_bottleneck(name):
    """The bottleneck called `name`. Raises ConfigError that lists the names."""
    if name not in BOTTLENECKS:
        raise ConfigError(f"unknown bottleneck {name!r}; choose one of {', '.join(BOTTLENECKS)}")
    return BOTTLENECKS[name]()
