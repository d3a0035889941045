"""The lowest harmonics of a high voice, with what belongs between them.

A woman's harmonics lie so far apart that a comb filter (vc.pitch_postfilter) clears the space between them: half-way
between two of the first it leaves 2 nepers less of a conversion than there is in recordings of the same voices, and the
voice sounds bare. So there the rest is raised again and the harmonics are lowered a little. A network that was trained
behind the vocoder against discriminators of the waveform found that out; what it had learnt is said here in three
numbers (EXPERIMENTS.md in recipes/default).
"""

import math

import torch

from vc.config import MelConfig
from vc.vocoders.short_time import ShortTime

HIGH_FROM_HZ, HIGH_HZ = 130.0, 170.0  # F0 from which on a voice counts as high, and from which on wholly
UP_TO_HZ, NOT_FROM_HZ = 600.0, 800.0  # wholly up to here, no more from there on
HARMONICS_NEPERS, BETWEEN_NEPERS = -0.3, 1.0  # gain of a harmonic and of what lies half-way between two
BELOW_NEPERS = 0.5  # and of what lies below half of F0


class LowestHarmonics:
    """For sound of one mel definition. reach_frames: how far a sample hears and is heard."""

    def __init__(self, mel: MelConfig):
        self._rate, self._short_time = mel.sample_rate_hz, ShortTime(mel.fft_samples, mel.hop_samples)
        self.reach_frames = self._short_time.reach_frames

    def __call__(self, wave, f0):
        """float32 (N,) and its F0 in Hz (T,), 0 where unvoiced, N = (T - 1) * hop_samples -> float32 (N,)."""
        if not (f0 > HIGH_FROM_HZ).any():
            return wave
        spectrum = self._short_time.spectrum(wave[None])
        change = torch.expm1(gains(f0, spectrum.shape[1], self._rate))
        return wave + self._short_time.wave(spectrum * change)[0]


def gains(f0, bins, sample_rate_hz):
    """In nepers (bins, T), of the bins of a spectrum at an F0 in Hz (T,), 0 where unvoiced."""
    hertz = torch.linspace(0, sample_rate_hz / 2, bins)[:, None]
    number = hertz / f0.clamp(min=1)
    away = (1 - torch.cos(2 * math.pi * number)) / 2  # from the next harmonic; 1 half-way between two
    gain = HARMONICS_NEPERS + (BETWEEN_NEPERS - HARMONICS_NEPERS) * away
    gain = torch.where(number < 0.5, BELOW_NEPERS, gain)
    high = ((f0 - HIGH_FROM_HZ) / (HIGH_HZ - HIGH_FROM_HZ)).clamp(0, 1)
    return gain * high * ((NOT_FROM_HZ - hertz) / (NOT_FROM_HZ - UP_TO_HZ)).clamp(0, 1)
