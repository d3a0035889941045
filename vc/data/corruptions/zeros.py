"""Masking noise: single cells of the input are blanked (Vincent et al. 2008, ICML; 2010, JMLR 11)."""

from typing import final

import torch

from vc.data.corruptions.base import Corruption, band_means
from vc.registry import expect


@final
class Zeros(Corruption):
    """Each cell of the log-mel, with probability `rate`, is set to its band's mean over the item. That is not the zero
    of the model's standardised mel, the mean of all recordings, in which an item's own voice and room would show."""

    def __init__(self, mel, device="cpu", *, rate=0.25):
        super().__init__(mel, device)
        expect("corruptions.zeros.rate", rate, 0 < rate < 1, "a share of the cells above 0 and below 1")
        self.rate = rate

    def log_mel(self, log_mel, generator):
        hit = torch.rand(log_mel.shape, generator=generator) < self.rate
        return torch.where(hit.to(log_mel.device), band_means(log_mel), log_mel)
