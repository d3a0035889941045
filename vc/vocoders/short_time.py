"""The short-time Fourier transform and its inverse, for vocoders that go back and forth between them many times.

The same numbers as torch.stft and torch.istft, several times sooner: overlapping frames are added hop by hop in place
of sample by sample, and the bins of a frame lie side by side in memory, where the FFT wants them.
"""

import functools
import math

import torch
from torch import nn
from torch.nn import functional as F


class ShortTime(nn.Module):
    """Waveform (B, N) to complex spectrum (B, F, T) and back, with a Hann window and T = N // hop_samples + 1 frames,
    the first of which has its middle on the first sample; beyond the ends lies silence. reach_frames: how far a sample
    is heard on the way there and back."""

    def __init__(self, fft_samples, hop_samples):
        super().__init__()
        self.fft_samples, self.hop_samples = fft_samples, hop_samples
        self.reach_frames = math.ceil(fft_samples / hop_samples)
        self.register_buffer("window", torch.hann_window(fft_samples), persistent=False)

    def spectrum(self, wave):
        """Complex (B, F, T), phases counted from the left end of each frame."""
        return self.inside(F.pad(wave, (self.fft_samples // 2,) * 2))

    def inside(self, wave):
        """The same of those frames only that lie wholly in the waveform."""
        return torch.fft.rfft(wave.unfold(1, self.fft_samples, self.hop_samples) * self.window).mT

    def wave(self, spectrum):
        """The waveform (B, (T - 1) * hop_samples) whose spectrum comes closest, by least squares (Griffin and Lim
        1984)."""
        begin, samples = self.fft_samples // 2, (spectrum.shape[2] - 1) * self.hop_samples
        frames = torch.fft.irfft(spectrum.mT, self.fft_samples).mul_(self.window)
        wave = overlap_add(frames, self.hop_samples)[:, begin:begin + samples]
        return wave / _weight(self.window, self.hop_samples, frames.shape[1])[begin:begin + samples]


def overlap_add(frames, hop_samples):
    """Frames (B, T, L), each hop_samples behind the one before -> their sum (B, at least (T - 1) * hop_samples + L)."""
    items, count, length = frames.shape
    overlapping = -(-length // hop_samples)
    if missing := overlapping * hop_samples - length:  # padding by nothing would copy
        frames = F.pad(frames, (0, missing))
    parts = frames.unflatten(2, (overlapping, hop_samples))
    added = frames.new_zeros(items, count + overlapping - 1, hop_samples)
    for number, part in enumerate(parts.unbind(2)):
        added[:, number:number + count] += part
    return added.flatten(1)


@functools.lru_cache(maxsize=16)  # blocks are mostly of one length
def _weight(window, hop_samples, frames):
    """What overlapping windows add up to, squared, as each of them counts in analysis and synthesis."""
    return overlap_add(window.square().expand(1, frames, -1), hop_samples)[0]


def by_frame(x):
    """x (B, F, T) with the bins of a frame side by side in memory: what else meets a spectrum should lie as it does."""
    return x.mT.contiguous().mT
