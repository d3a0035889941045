"""What a voice's harmonics look like in the mel, given its fundamental frequency: the source of the source-filter
picture (Fant 1960), which the decoder colours with an envelope."""

import functools
import math

import torch
from torch import nn

from vc.config import MelConfig
from vc.features import mel_filters
from vc.pitch import HIGHEST_HZ, LOWEST_HZ

STEPS_PER_OCTAVE = 120  # of the table: ten cents
SKIRT_BINS = 20  # beyond, a lobe is 500 times smaller than VALLEY
VALLEY = 0.02  # between two harmonics, in units of their height: no voice is cleaner


class HarmonicComb(nn.Module):
    """F0 in Hz (B, T), 0 where unvoiced -> (B, M + 1, T): a picture of the harmonics, and 1 where voiced.

    The picture is the log-mel of a train of equal pulses without its mean over the bands, in units of the deviation
    that all such pictures have together; 0 where unvoiced.
    """

    def __init__(self, mel: MelConfig):
        super().__init__()
        self.register_buffer("pictures", _pictures(mel).clone(), persistent=False)

    def forward(self, f0):
        voiced = f0 > 0
        position = torch.log2(f0.clamp(min=LOWEST_HZ) / LOWEST_HZ) * STEPS_PER_OCTAVE
        position = position.clamp(max=len(self.pictures) - 1.001)
        lower = position.long()
        share = (position - lower).unsqueeze(2)
        picture = self.pictures[lower] * (1 - share) + self.pictures[lower + 1] * share
        voiced = voiced.unsqueeze(2).to(picture.dtype)
        return torch.cat([picture * voiced, voiced], dim=2).transpose(1, 2)


@functools.cache  # drawing them takes longer than making the rest of a model
def _pictures(mel):
    """One row for each F0 of the table: (steps, M)."""
    steps = math.ceil(math.log2(HIGHEST_HZ / LOWEST_HZ) * STEPS_PER_OCTAVE) + 1
    f0 = LOWEST_HZ * 2 ** (torch.arange(steps, dtype=torch.float64) / STEPS_PER_OCTAVE)
    bin_hz = torch.linspace(0, mel.sample_rate_hz / 2, mel.bins, dtype=torch.float64)
    power = torch.stack([_lobe(bin_hz - _harmonics(frequency, mel).unsqueeze(1), mel).square().sum(0)
                         for frequency in f0])
    pictures = torch.log((power + VALLEY**2).sqrt() @ mel_filters(mel).double().T)
    pictures = pictures - pictures.mean(1, keepdim=True)
    return (pictures / pictures.std()).float()


def _harmonics(frequency, mel):
    """In Hz, up to where not even a skirt reaches below half the sample rate."""
    highest_hz = mel.sample_rate_hz * (0.5 + SKIRT_BINS / mel.fft_samples)
    return frequency * torch.arange(1, int(highest_hz / frequency) + 1)


def _lobe(offset_hz, mel):
    """Magnitude of the Hann window's spectrum at a distance from its centre, 1 at the centre."""
    x = offset_hz * mel.fft_samples / mel.sample_rate_hz  # in FFT bins
    rest = 1 - x.square()
    return torch.where(rest.abs() < 1e-9, 0.5, torch.sinc(x) / rest).abs()
