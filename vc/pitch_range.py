"""How a pitch contour moves from one voice's range to another's: the tune stays, the voice that hums it changes."""

from dataclasses import dataclass

import torch

from vc.pitch import HIGHEST_HZ, LOWEST_HZ

NORMAL_SPREAD = 1.4826  # standard deviation of a normal distribution in units of its median deviation
LEAST_SPREAD = 0.05  # nepers: no voice is more monotonous; a shorter spread comes of too few frames
WIDEST_STRETCH = 1.5


@dataclass(frozen=True)
class PitchRange:
    """Where voices speak: mean and standard deviation of the natural logarithm of F0 in Hz, each a tensor (...).

    NaN where no voiced frame was heard.
    """

    mean: torch.Tensor
    spread: torch.Tensor


def pitch_range(f0):
    """PitchRange of contours (..., T) in Hz with 0 where unvoiced.

    Octave errors lie far out, so mean and deviation are the median and the scaled median deviation from it.
    """
    logarithm = torch.where(f0 > 0, f0.float(), torch.nan).log()
    mean = logarithm.nanmedian(-1).values
    return PitchRange(mean, NORMAL_SPREAD * (logarithm - mean.unsqueeze(-1)).abs().nanmedian(-1).values)


def move_pitch(f0, source: PitchRange, target: PitchRange):
    """Contours (..., T) in Hz of one voice in the range of another: the same tune, as low and as lively as that speaks.

    Where either range is unknown they stay where they are. Excursions grow or shrink by at most WIDEST_STRETCH.
    """
    stretch = target.spread.clamp(min=LEAST_SPREAD) / source.spread.clamp(min=LEAST_SPREAD)
    stretch = stretch.clamp(1 / WIDEST_STRETCH, WIDEST_STRETCH).unsqueeze(-1)
    moved = ((f0.log() - source.mean.unsqueeze(-1)) * stretch + target.mean.unsqueeze(-1)).exp()
    return torch.where((f0 > 0) & moved.isfinite(), moved.clamp(LOWEST_HZ, HIGHEST_HZ), f0)
