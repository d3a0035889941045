"""Phases from the turns between neighbours: how far each bin turns from frame to frame, and from bin to bin.

Where a recording begins nobody can tell from its mel, so the phases themselves cannot be learnt; their differences can
(Masuyama, Yatabe, Nagatomo and Oikawa 2023). Frame by frame, each bin takes the direction on which its own past and its
two neighbours agree best; each counts as much as it is loud and its turn is certain.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

SWEEPS = 3  # how many bins far a direction spreads within a frame
NEIGHBOUR = 0.5  # what the neighbouring bins count against a bin's own past
TINY = 1e-8


@dataclass(frozen=True)
class Turns:
    """in_time: from the frame before, complex (B, F, T), without what a bin's centre frequency turns by itself.
    in_frequency: from the next lower bin, complex (B, F - 1, T). The length of each, at most about 1, says how certain
    it is."""

    in_time: torch.Tensor
    in_frequency: torch.Tensor


def true_turns(spectrum, hop_share):
    """Turns, of length 1, of a complex spectrum (B, F, T) with phases relative to the middle of each frame. The first
    frame turns from silence, by 0. hop_share: hop over FFT length."""
    before = F.pad(spectrum, (1, 0))[:, :, :-1]
    in_time = direction(spectrum * before.conj()) * centre_turn(spectrum, hop_share).conj()
    return Turns(in_time, direction(spectrum[:, 1:] * spectrum[:, :-1].conj()))


def centre_turn(spectrum, hop_share):
    """By what the centre frequency of each bin of (B, F, T) turns in one hop: complex (F, 1)."""
    bins = torch.arange(spectrum.shape[1], device=spectrum.device, dtype=torch.float32)[:, None]
    angle = 2 * torch.pi * torch.remainder(bins * hop_share, 1.0)
    return torch.polar(torch.ones_like(angle), angle)


def follow_turns(magnitude, turns: Turns, hop_share, last):
    """Spectrum, complex (B, F, T), of magnitude (B, F, T) whose phases follow the turns on from the spectrum of the
    frame before, `last`, complex (B, F): zeros before the first frame."""
    from_past = (turns.in_time * centre_turn(magnitude, hop_share)).unbind(2)
    from_below = (NEIGHBOUR * turns.in_frequency).unbind(2)
    spectrum = []
    for level, past, below in zip(magnitude.unbind(2), from_past, from_below):
        held = last * past + TINY
        above = below.conj()
        last = level * direction(held)
        for _ in range(SWEEPS):
            drawn = held + F.pad(last[:, :-1] * below, (1, 0)) + F.pad(last[:, 1:] * above, (0, 1))
            last = level * direction(drawn)
        spectrum.append(last)
    return torch.stack(spectrum, 2)


def direction(x):
    """Complex x at length one; shorter where it hardly differs from zero, so that its gradient stays bounded."""
    return x * torch.rsqrt(x.real.square() + x.imag.square() + TINY**2)
