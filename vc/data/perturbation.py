"""Move the voice of an input without moving what it says, so that the content half cannot carry the voice.

A data transform: (log-mel) -> perturbed log-mel, and the clean one stays the target; the model never knows. After
NANSY (Choi et al. 2021, arXiv 2110.14513), but in the log-mel domain, where formant shift, pitch shift and frequency
warp are, together, one small matrix an item: split a frame into its envelope (slow along the bands) and its fine
structure (the harmonics), and stretch each along frequency by its own ratio. Equaliser and level are additions.
"""

import math

import torch

from vc.config import MelConfig, PerturbConfig
from vc.features import band_centres_hz, hz_to_mel

# A harmonic of a 300 Hz voice comes every 13 bands of 128; what is slower along the bands is the envelope.
ENVELOPE_SHARE = 1 / 8
EQUALISER_KNOTS = 6


class Perturbation:
    """Draws one voice change an item. Call with log-mel (B, M, T) and a generator that decides everything.

    Returns (B, M, T) on the same device, never below the mel's floor.
    """

    def __init__(self, mel: MelConfig, settings: PerturbConfig, device="cpu"):
        self.settings = settings
        self.log_floor = math.log(mel.floor)
        self._centres_hz = band_centres_hz(mel).to(device)
        self._mel = mel
        basis = _cosine_basis(mel.bands).to(device)
        smooth = basis[:round(mel.bands * ENVELOPE_SHARE)]
        self._envelope = smooth.T @ smooth
        self._fine = torch.eye(mel.bands, device=device) - self._envelope
        self._knots = _cosine_basis(mel.bands)[:EQUALISER_KNOTS].to(device)

    def __call__(self, log_mel, generator):
        B, M, T = log_mel.shape
        device = log_mel.device
        draw = torch.rand(B, 4 + EQUALISER_KNOTS, generator=generator).to(device) * 2 - 1
        settings = self.settings
        warp = settings.warp_ratio ** draw[:, 0]
        formant = warp * settings.formant_ratio ** draw[:, 1]
        pitch = warp * 2 ** (settings.pitch_semitones / 12 * draw[:, 2])
        move = self._stretch(formant) @ self._envelope + self._stretch(pitch) @ self._fine
        curve = draw[:, 4:] @ self._knots
        curve = curve / curve.abs().amax(1, keepdim=True).clamp(min=1e-6) * draw[:, 4:5].abs() * settings.equaliser_db
        gain_db = settings.level_db * draw[:, 3:4] + curve
        return (move @ log_mel + gain_db.unsqueeze(2) * (math.log(10) / 20)).clamp(min=self.log_floor)

    def _stretch(self, ratio):
        """(B,) -> (B, M, M): the matrix that reads each band's value at its frequency divided by `ratio`."""
        M = len(self._centres_hz)
        low, high = hz_to_mel(self._mel.min_hz), hz_to_mel(self._mel.max_hz)
        source_hz = (self._centres_hz / ratio.unsqueeze(1)).clamp(max=self._mel.max_hz)
        position = (_hz_to_mel(source_hz) - low) / (high - low) * (M + 1) - 1
        position = position.clamp(0, M - 1)
        return (1 - (position.unsqueeze(2) - torch.arange(M, device=ratio.device)).abs()).clamp(min=0)


def _hz_to_mel(hz):
    """hz_to_mel for tensors."""
    break_mel, step = hz_to_mel(1000.0), hz_to_mel(1000.0 * math.e) - hz_to_mel(1000.0)
    return torch.where(hz < 1000, hz * (break_mel / 1000), break_mel + (hz / 1000).clamp(min=1).log() * step)


def _cosine_basis(size):
    """Orthonormal DCT-II: (size, size), slowest first."""
    position = torch.arange(size) + 0.5
    basis = torch.cos(math.pi / size * torch.arange(size).unsqueeze(1) * position) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis
