"""The sparse auto-encoder: few dimensions of the code are active at a time (Ng, CS294A lecture notes, 2011)."""

from typing import final

from vc.code_losses.base import CodeLoss


@final
class Activation(CodeLoss):
    """L1: the mean absolute value of the code."""

    def forward(self, coding):
        return coding.content.abs().mean()
