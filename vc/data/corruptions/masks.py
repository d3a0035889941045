"""Whole stretches of time and whole ranges of bands are taken out (SpecAugment, Park et al. 2019, arXiv 1904.08779)."""

from typing import final

import torch

from vc.data.corruptions.base import Corruption, band_means
from vc.registry import expect


@final
class Masks(Corruption):
    """So many masks an item, each of a width drawn evenly from 0 to its longest and laid anywhere; under a mask stands
    each band's mean over the item.

    time_masks of up to longest_s seconds, band_masks of up to `widest` bands. SpecAugment's warp in time is left out:
    it would move the frames against the target's.
    """

    def __init__(self, mel, device="cpu", *, time_masks=2, longest_s=0.15, band_masks=2, widest=20):
        super().__init__(mel, device)
        self.time_masks, self.band_masks = time_masks, band_masks
        self.longest = round(longest_s * mel.sample_rate_hz / mel.hop_samples)
        self.widest = widest
        expect("corruptions.masks", f"time_masks={time_masks}, band_masks={band_masks}",
               min(time_masks, band_masks) >= 0 and time_masks + band_masks > 0, "at least one mask, none negative")
        expect("corruptions.masks.longest_s", longest_s, self.longest >= 1, f"at least a frame, "
               f"{mel.hop_samples / mel.sample_rate_hz:g} s")
        expect("corruptions.masks.widest", widest, 1 <= widest < mel.bands,
               f"at least 1 band, fewer than all {mel.bands}")

    def log_mel(self, log_mel, generator):
        B, M, T = log_mel.shape
        frames = _masked(B, self.time_masks, self.longest, T, generator)
        bands = _masked(B, self.band_masks, self.widest, M, generator)
        hit = frames[:, None, :] | bands[:, :, None]
        return torch.where(hit.to(log_mel.device), band_means(log_mel), log_mel)


def _masked(items, masks, longest, size, generator):
    """(items, size), True under one of the masks."""
    width = torch.randint(0, min(longest, size) + 1, (items, masks, 1), generator=generator)
    start = (torch.rand(items, masks, 1, generator=generator) * (size - width + 1)).long()
    place = torch.arange(size)
    return ((place >= start) & (place < start + width)).any(1)
