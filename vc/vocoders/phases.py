"""Phases from the turns between neighbours: how far each bin turns from frame to frame, and from bin to bin.

Where a recording begins nobody can tell from its mel, so the phases themselves cannot be learnt; their differences can
(Masuyama, Yatabe, Nagatomo and Oikawa 2023). Frame by frame, each bin takes the direction on which its own past and its
two neighbours agree best; each counts as much as it is loud and its turn is certain.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

SWEEPS = 3  # how many bins far a direction spreads within a frame
NEIGHBOUR = 1.0  # what the neighbouring bins count against a bin's own past
TINY = 1e-8


@dataclass(frozen=True)
class Turns:
    """in_time: from the frame before, complex (B, F, T), without what a bin's centre frequency turns by itself.
    in_frequency: from the next lower bin, complex (B, F - 1, T). The length of each, at most about 1, says how certain
    it is."""

    in_time: torch.Tensor
    in_frequency: torch.Tensor

    def cut(self, begin, end):
        """The frames from begin to end."""
        return Turns(self.in_time[:, :, begin:end], self.in_frequency[:, :, begin:end])


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
    from_past = turns.in_time * centre_turn(magnitude, hop_share)
    # The outermost bins lack a neighbour; a zero there lets `roll` bring in the one from the other end.
    from_below = F.pad(NEIGHBOUR * turns.in_frequency, (0, 0, 1, 0))
    from_above = F.pad(NEIGHBOUR * turns.in_frequency.conj(), (0, 0, 0, 1))
    spectrum = []
    for level, past, below, above in zip(*(x.unbind(2) for x in (magnitude, from_past, from_below, from_above))):
        held = last * past + TINY
        last = level * torch.sgn(held)
        for _ in range(SWEEPS):
            drawn = torch.addcmul(held, below, last.roll(1, 1))
            last = level * torch.sgn(torch.addcmul(drawn, above, last.roll(-1, 1)))
        spectrum.append(last)
    return torch.stack(spectrum, 2)


def drawn_by_neighbours(spectrum, turns: Turns, hop_share):
    """Where its four neighbours, turned, would have each bin of a complex spectrum (B, F, T): their sum, (B, F, T)."""
    onwards = (turns.in_time * centre_turn(spectrum, hop_share))[:, :, 1:]
    upwards = turns.in_frequency
    in_time = F.pad(spectrum[:, :, :-1] * onwards, (1, 0)) + F.pad(spectrum[:, :, 1:] * onwards.conj(), (0, 1))
    return (in_time + F.pad(spectrum[:, :-1] * upwards, (0, 0, 1, 0))
            + F.pad(spectrum[:, 1:] * upwards.conj(), (0, 0, 0, 1)))


def direction(x):
    """Complex x at length one; shorter where it hardly differs from zero, so that its gradient stays bounded."""
    return x * torch.rsqrt(x.real.square() + x.imag.square() + TINY**2)
