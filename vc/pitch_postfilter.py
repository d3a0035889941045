"""The sound of a conversion, each period of its voice averaged with its neighbours.

Phases that a vocoder finds for a mel that was drawn do not keep harmonics as steady as a voice does, and what differs
between two periods is heard as noise. Where the pitch is known, a comb filter lets the harmonics pass and turns down
what lies between them, as the long-term postfilter of speech codecs does (Chen and Gersho 1995, "Adaptive postfiltering
for quality enhancement of coded speech"). It works below CUTOFF_HZ, where a voice is most regular, and only as far as
two neighbours are alike, so a voice that creaks goes on creaking. What it takes too much of a high voice is put back
(vc.lowest_harmonics). EXPERIMENTS.md in recipes/default has the figures that chose it.
"""

import math

import numpy as np
import torch

from vc.config import MelConfig
from vc.lowest_harmonics import LowestHarmonics
from vc.pitch import LOWEST_HZ
from vc.windows import windows_with_margins

CUTOFF_HZ = 1000.0
NEIGHBOURS_SHARE = 0.5  # of both neighbours together in the mean, where they are alike
ALIKE = 0.8  # the correlation from which on they are
LOW_PASS_S = 0.008  # length of the filter that lets through what lies below CUTOFF_HZ
ALIKE_OVER_S = 0.05
BLOCK_FRAMES = 400
TINY = 1e-20


class PitchPostfilter:
    """For sound of one mel definition."""

    def __init__(self, mel: MelConfig):
        self._rate, self._hop = mel.sample_rate_hz, mel.hop_samples
        half = round(LOW_PASS_S / 2 * self._rate)
        low_pass = np.sinc(2 * CUTOFF_HZ / self._rate * np.arange(-half, half + 1)) * np.hanning(2 * half + 3)[1:-1]
        self._low_pass = low_pass / low_pass.sum()
        # A sample hears its neighbours a period away, and how alike they are around it.
        self._around = round(ALIKE_OVER_S / 2 * self._rate)
        comb_frames = math.ceil((self._rate / LOWEST_HZ + half + self._around) / self._hop) + 1
        self._lowest_harmonics = LowestHarmonics(mel)
        self._reach_frames = comb_frames + self._lowest_harmonics.reach_frames

    def stream(self, vocoder, chunks):
        """What `vocoder.stream` makes of chunks, filtered at the F0 that they were made at."""
        contour, reach, hop = [], self._reach_frames, self._hop

        def heard():
            for chunk in chunks:
                contour.append(chunk[1].cpu())  # F0 alone: the rest of a chunk is large, and let go
                yield chunk

        waves = vocoder.stream(heard(), recorded=False)
        for wave, begin, end in windows_with_margins(waves, BLOCK_FRAMES * hop, reach * hop, reach * hop):
            f0 = torch.cat(contour)
            contour[:] = [f0[BLOCK_FRAMES - 2 * reach:]]  # from where the next window begins
            yield self(wave, f0[:len(wave) // hop + 1])[begin:end]

    def __call__(self, wave, f0):
        """Wave (N,) and its F0 in Hz (T,), 0 where unvoiced, N = (T - 1) * hop_samples -> wave (N,)."""
        return self._lowest_harmonics(torch.from_numpy(self.comb(wave.numpy(), f0.numpy())), f0)

    def comb(self, wave, f0):
        """float32 (N,) and its F0 in Hz (T,), 0 where unvoiced, T = N // hop_samples + 1 -> float32 (N,)."""
        voiced = f0 > 0
        if not voiced.any():
            return wave
        samples, frames = np.arange(len(wave)), np.arange(len(f0))

        def by_sample(values):
            return np.interp(samples / self._hop, frames, values)

        # Nothing is filtered between voiced stretches, but one hears a period far beyond its ends.
        nearest = np.abs(frames[:, None] - frames[voiced]).argmin(1)
        periods = np.cumsum(by_sample(f0[voiced][nearest])) / self._rate
        regular = by_sample(voiced)
        half = len(self._low_pass) // 2
        low = np.convolve(wave, self._low_pass)[half:half + len(wave)]
        filtered = wave.copy()
        for way in (-1, 1):
            there = np.interp(periods + way, periods, samples)
            neighbour = np.interp(there, samples, low)
            share = np.minimum(regular, np.interp(there, samples, regular))
            share *= by_sample(self._likeness(low, neighbour, frames))
            filtered += NEIGHBOURS_SHARE / 2 * share * (neighbour - low)
        return filtered

    def _likeness(self, one, other, frames):
        """How alike two waves (N,) are around each of frames (T,), from 0 to 1: (T,)."""
        middle = frames * self._hop
        first, last = (middle - self._around).clip(min=0), (middle + self._around).clip(max=len(one))
        sums = np.cumsum([one * other, one * one, other * other], axis=1)
        sums = np.pad(sums, ((0, 0), (1, 0)))
        product, *powers = sums[:, last] - sums[:, first]
        return (product / np.sqrt(np.prod(powers, axis=0) + TINY) / ALIKE).clip(0, 1)
