"""Waveform to log-mel: the one definition of the mel in the package.

Shape legend, used in every docstring of the package: B batch, C channels, T mel frames, T' content frames
(T / stride), N samples, S speaker dims, M mel bands, F frequencies.
"""

import math

import torch
from torch import nn

from vc.config import MelConfig
from vc.errors import ConfigError


class LogMel(nn.Module):
    """Natural logarithm of a magnitude mel spectrogram, with a floor under silence.

    Input: waveform (B, N), nominally in [-1, 1]. Output: log-mel (B, M, T) with T = N // hop_samples + 1; frame t is
    centred on sample t * hop_samples.
    """

    def __init__(self, mel: MelConfig):
        super().__init__()
        self.fft_samples = mel.fft_samples
        self.hop_samples = mel.hop_samples
        self.floor = mel.floor
        self.register_buffer("window", torch.hann_window(mel.fft_samples), persistent=False)
        self.register_buffer("filters", mel_filters(mel), persistent=False)

    def forward(self, waveform):
        return self.of(self.spectrum(waveform))

    def spectrum(self, waveform):
        """Waveform (B, N) -> complex (B, F, T), phases counted from the left end of each frame."""
        return torch.stft(waveform, self.fft_samples, self.hop_samples, window=self.window, center=True,
                          pad_mode="constant", return_complex=True)

    def of(self, spectrum):
        """Spectrum (B, F, T) -> log-mel (B, M, T)."""
        return torch.log((self.filters @ spectrum.abs()).clamp(min=self.floor))


def mel_filters(mel: MelConfig):
    """Triangular filters on Slaney's mel scale, each of unit area over Hz: (M, F).

    The scale is linear below 1 kHz and logarithmic above (Slaney, Auditory Toolbox, 1998). Raises ConfigError where a
    filter lies between two frequencies of the spectrum.
    """
    bin_hz = torch.linspace(0, mel.sample_rate_hz / 2, mel.bins, dtype=torch.float64)
    edges_hz = _mel_to_hz(torch.linspace(hz_to_mel(mel.min_hz), hz_to_mel(mel.max_hz), mel.bands + 2,
                                         dtype=torch.float64))
    lower, centre, upper = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising = (bin_hz - lower) / (centre - lower)
    falling = (upper - bin_hz) / (upper - centre)
    triangles = torch.minimum(rising, falling).clamp(min=0)
    empty = int((triangles.sum(1) == 0).sum())
    if empty:
        raise ConfigError(f"mel.bands: got {mel.bands}, of which {empty} hold no frequency of a spectrum of "
                          f"mel.fft_samples={mel.fft_samples} at mel.sample_rate_hz={mel.sample_rate_hz}; take fewer "
                          f"bands or more samples")
    return (triangles * 2 / (upper - lower)).float()


def band_centres_hz(mel: MelConfig):
    """Centre frequency of each band in Hz: (M,)."""
    return _mel_to_hz(torch.linspace(hz_to_mel(mel.min_hz), hz_to_mel(mel.max_hz), mel.bands + 2))[1:-1]


def bands_at(hz, mel: MelConfig):
    """Where frequencies (...) in Hz lie on the axis of bands: 0 at the first band's centre, M - 1 at the last's."""
    low, high = hz_to_mel(mel.min_hz), hz_to_mel(mel.max_hz)
    return (_hz_to_mel(hz) - low) / (high - low) * (mel.bands + 1) - 1


_LINEAR_HZ_PER_MEL = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27  # 27 mels from 1 kHz to 6.4 kHz


def hz_to_mel(hz: float) -> float:
    """Slaney's scale for one frequency in Hz."""
    return hz / _LINEAR_HZ_PER_MEL if hz < _BREAK_HZ else _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP


def _hz_to_mel(hz):
    """hz_to_mel for tensors."""
    above = _BREAK_MEL + (hz / _BREAK_HZ).clamp(min=1).log() * (1 / _LOG_STEP)
    return torch.where(hz < _BREAK_HZ, hz * (1 / _LINEAR_HZ_PER_MEL), above)


def _mel_to_hz(mel):
    above = _BREAK_HZ * torch.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return torch.where(mel < _BREAK_MEL, mel * _LINEAR_HZ_PER_MEL, above)
