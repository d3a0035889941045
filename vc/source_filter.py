"""A log-mel as a sum of two: the envelope, which says what is said and by whom, and the fine structure, which says at
what pitch and how hoarsely.

The source-filter picture (Fant 1960): what multiplies in a spectrum adds in its logarithm, and the filter is what
changes slowly along the frequencies, so the lowest coefficients of a cosine transform hold it (the cepstrum: Bogert,
Healy and Tukey 1963).
"""

import math

import torch

from vc.config import MelConfig
from vc.features import band_centres_hz, bands_at

# A harmonic of a 300 Hz voice comes every 13 bands of 128; what is slower along the bands is the envelope.
ENVELOPE_SHARE = 1 / 8


class SourceFilter:
    """envelope and fine: (M, M), matrices that take either part out of log-mel frames (M, T)."""

    def __init__(self, mel: MelConfig, device="cpu"):
        smooth = cosine_basis(mel.bands)[:envelope_size(mel.bands)].to(device)
        self.envelope = smooth.T @ smooth
        self.fine = torch.eye(mel.bands, device=device) - self.envelope
        self._mel, self._centres_hz = mel, band_centres_hz(mel).to(device)

    def stretch(self, ratio):
        """(B,) -> (B, M, M): the matrix that moves what it finds at a frequency to `ratio` times that frequency."""
        bands = torch.arange(self._mel.bands, device=ratio.device)
        return (1 - (self._positions(ratio).unsqueeze(2) - bands).abs()).clamp(min=0)

    def moved(self, formant, pitch):
        """The matrices that move the envelope's frequencies by one ratio and those of the fine structure by another,
        both (B,): (B, M, M)."""
        return self.stretch(formant) @ self.envelope + self.stretch(pitch) @ self.fine

    def stretched(self, log_mel, ratio):
        """The same for every frame by itself: (M, T), (T,) -> (M, T)."""
        position = self._positions(ratio).T
        below = position.long().clamp(max=self._mel.bands - 2)
        return torch.lerp(log_mel.gather(0, below), log_mel.gather(0, below + 1), position - below)

    def _positions(self, ratio):
        """Where each band finds what it gets, counted in bands: (B,) -> (B, M)."""
        source_hz = (self._centres_hz / ratio.unsqueeze(1)).clamp(max=self._mel.max_hz)
        return bands_at(source_hz, self._mel).clamp(0, self._mel.bands - 1)


def envelope_size(bands):
    """How many of the slowest cosines along the bands are the envelope."""
    return round(bands * ENVELOPE_SHARE)


def cosine_basis(size):
    """Orthonormal DCT-II: (size, size), slowest first."""
    position = torch.arange(size) + 0.5
    basis = torch.cos(math.pi / size * torch.arange(size).unsqueeze(1) * position) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis
