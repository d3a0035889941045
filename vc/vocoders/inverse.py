"""From a mel spectrogram back to the linear one: non-negative least squares, as far as wanted."""

import torch
from torch import nn

from vc.config import MelConfig
from vc.features import mel_filters


class MelInverse(nn.Module):
    """Non-negative least squares by multiplicative steps from the pseudo-inverse: log-mel (..., M, T) -> magnitude
    (..., F, T).

    What lies on the mel's floor counts as nothing at all, so that silence comes out silent.
    """

    def __init__(self, mel: MelConfig, steps):
        super().__init__()
        self.floor, self.steps = mel.floor, steps
        filters = mel_filters(mel)
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("inverse", torch.linalg.pinv(filters), persistent=False)
        self.register_buffer("gram", filters.T @ filters, persistent=False)

    @torch.no_grad()
    def forward(self, log_mel):
        # Frame by frame, for what meets the magnitudes lies so.
        mel = (log_mel.transpose(-1, -2).exp() - self.floor).clamp(min=0)
        magnitude = (mel @ self.inverse.T).clamp(min=1e-5)
        wanted = mel @ self.filters
        for _ in range(self.steps):
            magnitude = magnitude * wanted / (magnitude @ self.gram + 1e-10)
        return magnitude.transpose(-1, -2)
