"""What the auto-encoder loses of a source, and how much of it goes past the bottleneck into the result.

The halves keep too little of a recording to say it again in all detail. What they lose is found by having the decoder
repeat the source in its own voice; what is left over of the recorded mel is what this utterance has beyond the model's
idea of it. Added to the same words in another voice it brings back edges and noises of consonants. What is left over
again and again is the voice, and is taken out: the decoder's last layer is fitted to the source itself, for each frame
to all the others (vc.adaptation). What remains lies where the source has its formants; another voice has them higher or
lower, so it is moved along the frequencies. In a pause what is left over is noise, which the model has learnt to leave
out, and it stays out. Of the fine structure - harmonics and the noise between them - the decoder draws an idea; the
source has real ones, at its own pitch, and they are moved to the new one. Where it has no pitch, in the noise of
consonants, its fine structure tells next to nothing of the voice, and half of it is kept (as are its phases, see
vc.vocoders.generator).

The shift by a difference between two converted versions of the source, instead of the source's replacement, is an idea
from statistical conversion (Kobayashi et al. 2014, "Statistical singing voice conversion with direct waveform
modification based on the spectrum differential"). It is a way around the bottleneck, so shares below 1 keep the voice
of the source from coming along; EXPERIMENTS.md in recipes/default has the figures that chose them.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from vc.source_filter import SourceFilter

ENVELOPE_KEPT = 0.5
FINE_KEPT = 0.3
UNVOICED_FINE_KEPT = 0.5
# What share of the interval between two voices' F0 lies between their formants. Women's F0 is 1.7 times men's, their
# formants are 1.17 times as high (Peterson and Barney 1952, "Control methods used in a study of the vowels").
FORMANTS_FOLLOW = 0.3
TRANSITION_FRAMES = 3  # over which one share goes over into another


@dataclass(frozen=True)
class Detail:
    """Of a window of the source: what is left over of its envelope (M, T), its fine structure (M, T) and F0 in Hz
    (T,)."""

    left_over: torch.Tensor
    fine: torch.Tensor
    f0: torch.Tensor


def detail_of(log_mel, left_over, f0, speech, parts: SourceFilter) -> Detail:
    """log_mel: of the source (M, T). left_over: what neither the model nor the voice explains of it (M, T). speech:
    which frames are (T,), bool."""
    return Detail(_gradual(speech) * (parts.envelope @ left_over), parts.fine @ log_mel, f0)


def with_detail(converted, detail: Detail, f0, interval, parts: SourceFilter):
    """Log-mel (M, T) in another voice with the source's detail. f0: the new voice's (T,), 0 where unvoiced. interval:
    between the two voices' F0 in nepers, above 0 where the new one is higher, a tensor (); NaN where unknown."""
    left_over = parts.stretch(torch.exp(FORMANTS_FOLLOW * interval.nan_to_num())[None])[0] @ detail.left_over
    ratio = torch.where((f0 > 0) & (detail.f0 > 0), f0 / detail.f0.clamp(min=1), torch.ones_like(f0))
    moved = parts.stretched(detail.fine, ratio)
    kept = UNVOICED_FINE_KEPT + (FINE_KEPT - UNVOICED_FINE_KEPT) * _gradual(detail.f0 > 0)
    return converted + ENVELOPE_KEPT * left_over + kept * (moved - parts.fine @ converted)


def _gradual(mask):
    """Frames' bools (T,) as shares from 0 to 1, which go over into each other: (T,)."""
    return F.avg_pool1d(mask.float()[None], TRANSITION_FRAMES, 1, TRANSITION_FRAMES // 2, count_include_pad=False)[0]
