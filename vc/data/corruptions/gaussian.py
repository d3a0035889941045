"""Gaussian noise, the first corruption of denoising auto-encoders (Vincent et al. 2010, JMLR 11)."""

from typing import final

import torch

from vc.data.corruptions.base import Corruption
from vc.registry import expect


@final
class Gaussian(Corruption):
    """Adds normal noise to the log-mel. deviation: in nepers, as the log-mel itself."""

    def __init__(self, mel, device="cpu", *, deviation=0.5):
        super().__init__(mel, device)
        expect("corruptions.gaussian.deviation", deviation, deviation > 0, "a number of nepers above 0")
        self.deviation = deviation

    def log_mel(self, log_mel, generator):
        return log_mel + self.deviation * torch.randn(log_mel.shape, generator=generator).to(log_mel)
