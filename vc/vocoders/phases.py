"""Phases from the turns between neighbours: how far each bin turns from frame to frame, and from bin to bin.

Where a recording begins nobody can tell from its mel, so the phases themselves cannot be learnt; their differences can
(Masuyama, Yatabe, Nagatomo and Oikawa 2023). Frame by frame, each bin takes the direction on which its own past and its
two neighbours agree best; each counts as much as it is loud and its turn is certain.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from vc.vocoders.short_time import by_frame

SWEEPS = 3  # how many bins far a direction spreads within a frame
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


@torch.no_grad()
def follow_turns(magnitude, turns: Turns, hop_share, last):
    """Directions, complex (B, F, T), that follow the turns of magnitude (B, F, T) on from the spectrum of the frame
    before, `last`, complex (B, F): zeros before the first frame.

    No gradient passes: it would have to go back through all the frames before.
    """
    links = links_of(turns, hop_share)
    # The outermost bins lack a neighbour; they get a silent one.
    from_below, from_above = F.pad(links.upwards, (0, 0, 1, 0)), F.pad(links.downwards, (0, 0, 0, 1))
    levels = magnitude.to(torch.result_type(magnitude, last))  # complex times complex is the faster product
    padded = F.pad(last.to(levels), (1, 1))
    bins, lower, higher = padded[:, 1:-1], padded[:, :-2], padded[:, 2:]
    tiny = torch.full_like(bins, TINY)  # a number in its place would be converted in every step
    held, drawn = torch.empty_like(bins), torch.empty_like(bins)
    directions = []
    # Thousands of steps on a few hundred numbers each: what counts is how many operations a step takes.
    for level, past, below, above in zip(*(by_frame(x).unbind(2) for x in (levels, links.onwards, from_below,
                                                                           from_above))):
        torch.addcmul(tiny, bins, past, out=held)
        towards = torch.sgn(held)
        for _ in range(SWEEPS):
            torch.mul(towards, level, out=bins)
            torch.addcmul(held, below, lower, out=drawn).addcmul_(above, higher)
            torch.sgn(drawn, out=towards)
        torch.mul(towards, level, out=bins)
        directions.append(towards)
    return torch.stack(directions, 1).mT


@dataclass(frozen=True)
class Links:
    """By what to multiply a neighbour of each bin to be where it would have the bin. onwards: the frame before, complex
    (B, F, T); backwards: the frame behind. upwards: the next lower bin, complex (B, F - 1, T); downwards: the next
    higher one."""

    onwards: torch.Tensor
    backwards: torch.Tensor
    upwards: torch.Tensor
    downwards: torch.Tensor

    def draw(self, wanted, spectrum, say):
        """Add to `wanted` (B, F, T), in place, where its four neighbours in a complex spectrum (B, F, T) would have
        each bin, `say` times."""
        wanted[:, :, 1:].addcmul_(spectrum[:, :, :-1], self.onwards[:, :, 1:], value=say)
        wanted[:, :, :-1].addcmul_(spectrum[:, :, 1:], self.backwards[:, :, 1:], value=say)
        wanted[:, 1:].addcmul_(spectrum[:, :-1], self.upwards, value=say)
        wanted[:, :-1].addcmul_(spectrum[:, 1:], self.downwards, value=say)


def links_of(turns: Turns, hop_share) -> Links:
    """hop_share: hop over FFT length."""
    onwards, upwards = by_frame(turns.in_time * centre_turn(turns.in_time, hop_share)), by_frame(turns.in_frequency)
    return Links(onwards, onwards.conj().resolve_conj(), upwards, upwards.conj().resolve_conj())


def direction(x, length=1.0):
    """Complex x at a length (one, or as x); shorter where it hardly differs from zero, so that its gradient stays
    bounded."""
    return x * (length * torch.rsqrt(x.real.square() + x.imag.square() + TINY**2))
