"""What a code loss is: a scalar that training minimises beside the reconstruction, to shape the content half."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Coding:
    """One encoding, as a code loss sees it. inputs: the standardised log-mel that was read (B, M, T). content: what
    became of it (B, C, T'). encode: the way from the one to the other, not compiled, so that gradients of gradients
    can be taken."""

    inputs: torch.Tensor
    content: torch.Tensor
    encode: Callable


class CodeLoss(nn.Module, ABC):
    """Base of all code losses. Parameters of its own are trained along with the model's."""

    def __init__(self, bands, content_dims):
        super().__init__()

    @abstractmethod
    def forward(self, coding: Coding) -> torch.Tensor:
        """The loss, a scalar; its weight is the config's."""
