"""What has to be known of a whole recording before its first block is converted: level, length and pitch."""

import logging
import math
from dataclasses import dataclass

import numpy as np
import torch

from vc.audio import stream_audio
from vc.errors import AudioError
from vc.level import SILENCE_DBFS, LevelMeter
from vc.pitch import track_pitch
from vc.windows import sliding_windows

MIN_SOURCE_S = 0.1
WINDOW_S, OVERLAP_S = 20.0, 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Survey:
    """level_db: speech level in dBFS, -inf for silence. samples: how many, at the rate asked for. f0: of each mel frame
    in Hz (T,), 0 where unvoiced. offset: see LevelMeter."""

    level_db: float
    samples: int
    f0: torch.Tensor
    offset: float = 0.0


def survey_source(path, sample_rate_hz, hop_samples) -> Survey:
    """Read a recording once, in bounded memory. Warns of a silent one. Raises AudioError for one that is too short."""
    meter = LevelMeter(sample_rate_hz)
    f0 = _track(map(torch.from_numpy, _metered(path, meter, sample_rate_hz)), sample_rate_hz, hop_samples)
    if meter.samples < MIN_SOURCE_S * sample_rate_hz:
        raise AudioError(f"{path}: lasts {meter.samples / sample_rate_hz:.3f} s, expected at least {MIN_SOURCE_S} s; "
                         f"give a longer recording")
    level_db = meter.speech_level_db
    if level_db < SILENCE_DBFS:
        _log.warning("%s: is silent, so is the result", path)
        level_db = -math.inf
    return Survey(level_db, meter.samples, f0, meter.offset)


def measure(path, sample_rate_hz) -> LevelMeter:
    """What a LevelMeter has heard of a whole recording, read in bounded memory. Raises AudioError."""
    meter = LevelMeter(sample_rate_hz)
    for _ in _metered(path, meter, sample_rate_hz):
        pass
    return meter


def _metered(path, meter, sample_rate_hz):
    """Blocks of a recording that a meter has heard: float32 (n,)."""
    for block in stream_audio(path, sample_rate_hz):
        meter.update(block)
        yield block


def _track(blocks, sample_rate_hz, hop_samples):
    """F0 of a whole recording, window by window: (T,) in Hz."""
    size, step = (round(seconds * sample_rate_hz) // hop_samples * hop_samples
                  for seconds in (WINDOW_S, WINDOW_S - OVERLAP_S))
    half = (size - step) // hop_samples // 2
    tracked = []
    for window, is_last in sliding_windows(blocks, size, step):
        f0 = track_pitch(window.numpy(), sample_rate_hz, hop_samples)
        # Of two windows that overlap each is heard up to the middle, where it still knows what comes next.
        tracked.append(f0[half if tracked else 0:None if is_last else step // hop_samples + half])
    return torch.from_numpy(np.concatenate(tracked)) if tracked else torch.zeros(1)
