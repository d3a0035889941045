"""What a code loss is: a scalar that training minimises beside the reconstruction, to shape the content half."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Coding:
    """One encoding, as a code loss sees it. inputs: the standardised log-mel that was read (B, M, T). clean: the same
    speech in its own voice and uncorrupted, as the decoder shall give it back (B, M, T). content: what became of the
    inputs (B, C, T'). encode: the way from inputs to content, not compiled, so that gradients of gradients can be
    taken. stride: mel frames per content frame."""

    inputs: torch.Tensor
    clean: torch.Tensor
    content: torch.Tensor
    encode: Callable
    stride: int = 1


class CodeLoss(nn.Module, ABC):
    """Base of all code losses. Parameters of its own are trained along with the model's.

    The constructor raises ConfigError for a setting out of range. What is drawn comes from torch's global generator,
    which the training loop seeds at each step.
    """

    bottlenecks: tuple = ()
    """Names of the bottlenecks whose codes it can shape; () for any."""

    def __init__(self, bands, content_dims):
        super().__init__()

    @abstractmethod
    def forward(self, coding: Coding) -> torch.Tensor:
        """The loss, a scalar; its weight is the config's."""
