"""The long-term spectrum of a voice, and moving a converted mel onto it.

The decoder gets most of a voice right; what it smooths away of its colour can be put back, because the target's own
recordings tell it: the mean of every mel band over the frames that are speech, and how they spread around it
(vc.cepstrum; of a voice that nobody spoke, only by how much in each band). This is adaptive instance normalisation once
more, at the very end and with measured statistics in place of learned ones; signal processing has long known it as
matching the long-term average spectrum.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from vc.cepstrum import Spread, spread_of, trusted, with_spread
from vc.level import NOMINAL_LEVEL_DB

SPEECH_MARGIN_DB = 20.0  # a frame counts as speech down to so far below the nominal level
TRUST_FRAMES = 100  # with so many speech frames, the statistics of what is converted are trusted half
MAX_STRETCH = 2.0  # of the deviation; more would lift noise


@dataclass(frozen=True)
class LongTermSpectrum:
    """mean and std: (M,), of the log-mel of a voice's speech frames. frames: how many there were, or would tell as much
    of a voice between others. spread: of their cepstrum, None where nobody spoke them."""

    mean: torch.Tensor
    std: torch.Tensor
    frames: int
    spread: Spread | None = None


def frame_levels_db(wave, hop_samples):
    """Level in dBFS of the two hops around each mel frame: (..., N) -> (..., N // hop_samples + 1)."""
    power = F.avg_pool1d(wave.square().unsqueeze(-2), 2 * hop_samples, hop_samples, padding=hop_samples).squeeze(-2)
    return 10 * torch.log10(power + 1e-12)


def is_speech(frame_db):
    """Levels in dBFS, of a recording at the nominal level -> bool, both (..., T)."""
    return frame_db > NOMINAL_LEVEL_DB - SPEECH_MARGIN_DB


def speech_frames(wave, hop_samples):
    """Which mel frames of a waveform at the nominal level are speech: (..., N) -> (..., N // hop_samples + 1), bool."""
    return is_speech(frame_levels_db(wave, hop_samples))


def long_term_spectrum(log_mels) -> LongTermSpectrum:
    """Of all the speech frames given: list of (M, t)."""
    frames = torch.cat(log_mels, dim=1)
    return LongTermSpectrum(frames.mean(1), frames.std(1, correction=0), frames.shape[1], spread_of(frames))


def match_spectrum(log_mel, speech, target: LongTermSpectrum):
    """Move log_mel (M, T) towards the target's mean and spread, its own taken over `speech` (T,), bool.

    The fewer speech frames there are, the less: one vowel has no long-term spectrum to be matched. A pause is never
    made louder.
    """
    if not speech.any():
        return log_mel
    own = long_term_spectrum([log_mel[:, speech]])
    trust = trusted(own.frames, TRUST_FRAMES)
    around = _spread_as(log_mel - own.mean[:, None], own, target, trust)
    matched = torch.lerp(own.mean, target.mean.to(log_mel), trust)[:, None] + around
    return torch.where(speech, matched, torch.minimum(matched, log_mel))


def _spread_as(around, own, target, trust):
    """Frames (M, T) less their mean, brought to the target's spread by its share, for the rest band by band. Both are
    linear maps to what is wanted, and so is what lies between them, without a step at either end."""
    stretch = (target.std.to(around) / own.std.clamp(min=1e-3)).clamp(1 / MAX_STRETCH, MAX_STRETCH) ** trust
    by_band = around * stretch[:, None]
    if target.spread is None:
        return by_band
    together = with_spread(around, own.spread, target.spread, own.frames, target.frames, trust)
    return torch.lerp(by_band, together, target.spread.share)
