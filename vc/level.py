"""How loud the speech in a recording is, where it begins and ends, and whether there is any.

Levels are in dBFS of the root mean square: a full-scale sine has -3.01. N is a number of samples, n that of one block.
"""

import math

import numpy as np

from vc.errors import AudioError

# A recording is silent when its speech level lies below this. Speech, also whispered or from afar, reaches -60; the
# rounding to 16 bits lies at -101, the noise of a quiet recorder with nobody speaking mostly between.
SILENCE_DBFS = -70.0

# Prepared recordings have this speech level; the model hears and speaks at it. Peaks of speech lie 12 to 20 dB above.
NOMINAL_LEVEL_DB = -26.0

# A converted recording gets back the level of its source, but no sample of it gets larger than this.
PEAK = 0.98

# What a cheap microphone adds to all samples is taken off beyond this share of the speech level. Less lies in most
# recordings, in those that a model learnt from as well, and changes nothing that is heard.
OFFSET_SHARE = 0.01

FRAME_S = 0.02
# Frames this far below the level of the active ones do not count as active, the margin of ITU-T P.56.
ACTIVE_MARGIN_DB = 16.0


class LevelMeter:
    """Measures level, length and offset of a recording that arrives in blocks; how it is cut does not matter.

    samples: how many there were. peak: the largest magnitude.

    Memory grows by one number for each 20 ms.

    >>> meter = LevelMeter(16000)
    >>> meter.update(block)      # float, (n,)
    >>> meter.speech_level_db
    """

    def __init__(self, sample_rate_hz):
        self.samples, self.peak, self._sum = 0, 0.0, 0.0
        self._frame_samples = frame_samples(sample_rate_hz)
        self._partial_frame = np.zeros(0, np.float32)
        self._frame_powers = []

    def update(self, block):
        """Take in the next samples: floats, (n,)."""
        self.samples += len(block)
        self.peak = max(self.peak, float(np.abs(block).max(initial=0)))
        self._sum += float(block.sum(dtype=np.float64))
        joined = np.concatenate([self._partial_frame, block])
        whole_samples = len(joined) - len(joined) % self._frame_samples
        self._frame_powers.append(_powers(joined[:whole_samples], self._frame_samples))
        self._partial_frame = joined[whole_samples:]

    @property
    def offset(self):
        """The mean of all samples, or 0 where it is below OFFSET_SHARE of the speech level."""
        mean = self._sum / max(1, self.samples)
        return mean if abs(mean) > OFFSET_SHARE * level_gain(0.0, self.speech_level_db) else 0.0

    @property
    def speech_level_db(self):
        """Mean power of the active frames in dBFS, -inf for silence. See `speech_level_db`."""
        powers = np.concatenate([np.zeros(0), *self._frame_powers])
        if len(powers) == 0:  # less than a frame so far: take what there is
            powers = _powers(self._partial_frame, max(1, len(self._partial_frame)))
        return _active_level_db(powers)


def speech_level_db(audio, sample_rate_hz):
    """Level of the speech in `audio`, floats (N,), in dBFS; pauses do not lower it. -inf for silence.

    The recording is cut into frames of 20 ms. The level is the mean power of the active frames, and a frame is active
    unless its power lies more than 16 dB below that level: the least of the levels that agree with themselves so. This
    is ITU-T P.56 without its hold time of 200 ms, which counts the pauses within a sentence as well; on recorded
    speech it reads 0.9 dB higher (0.3 to 1.6). A constant offset is not heard and does not count. The last frame is
    left out unless it is whole or the only one.
    """
    meter = LevelMeter(sample_rate_hz)
    meter.update(audio)
    return meter.speech_level_db


def level_gain(level_db, wanted_db=NOMINAL_LEVEL_DB):
    """The factor that brings sound of one level in dBFS to another."""
    return 10 ** ((wanted_db - level_db) / 20)


def at_level(audio, sample_rate_hz, wanted_db=NOMINAL_LEVEL_DB):
    """`audio`, floats (N,) that are not silent, with its speech at another level."""
    return audio * level_gain(speech_level_db(audio, sample_rate_hz), wanted_db)


def without_offset(audio, sample_rate_hz):
    """`audio`, floats (N,), without what a LevelMeter calls its offset."""
    meter = LevelMeter(sample_rate_hz)
    meter.update(audio)
    return audio - np.float32(meter.offset)


def restoring_gain(meter, level_db):
    """The factor that brings what a LevelMeter heard to a speech level, or as near as its peak allows."""
    if meter.speech_level_db == -math.inf:
        return 0.0
    return min(level_gain(meter.speech_level_db, level_db), PEAK / meter.peak)


def restore_level(audio, sample_rate_hz, level_db):
    """`audio`, floats (N,), with its speech at a level, or as near to it as its peak allows; silence stays silent."""
    meter = LevelMeter(sample_rate_hz)
    meter.update(audio)
    return audio * restoring_gain(meter, level_db)


def require_speech(audio, sample_rate_hz, path, min_s):
    """Raise AudioError, naming `path`, when `audio`, floats (N,), is shorter than `min_s` or silent."""
    duration_s = len(audio) / sample_rate_hz
    if duration_s < min_s:
        raise AudioError(f"{path}: lasts {duration_s:.2f} s, expected at least {min_s:g} s; give a longer recording")
    level_db = speech_level_db(audio, sample_rate_hz)
    if level_db < SILENCE_DBFS:
        raise AudioError(f"{path}: is silent (level {level_db:.0f} dBFS), expected speech above "
                         f"{SILENCE_DBFS:.0f} dBFS; check the microphone or choose another recording")


def trim_silence(audio, sample_rate_hz, keep_s=0.12, threshold_db=40.0):
    """`audio`, floats (N,), without what comes before and after the speech: (N',), a view; empty for silence.

    Speech reaches from the first to the last frame of 20 ms that lies at most `threshold_db` below the speech level;
    `keep_s` of what surrounds it stays.
    """
    level_db = speech_level_db(audio, sample_rate_hz)
    if level_db < SILENCE_DBFS:
        return audio[:0]
    size = frame_samples(sample_rate_hz)
    whole_samples = len(audio) - len(audio) % size
    powers = _powers(audio[:whole_samples], size)
    if whole_samples < len(audio):
        powers = np.append(powers, _powers(audio[whole_samples:], len(audio) - whole_samples))
    loud = np.flatnonzero(powers >= 10 ** ((level_db - threshold_db) / 10))
    keep_samples = round(keep_s * sample_rate_hz)
    return audio[max(0, loud[0] * size - keep_samples):(loud[-1] + 1) * size + keep_samples]


def clipped_share(audio):
    """Share of the samples, floats (N,), that were cut off at full scale.

    A clean recording has 0, also when scaled to a peak of 1; speech driven 6 dB over full scale 0.006.
    Counted are runs of three or more at the recording's own maximum, give or take one step of 16 bits, where that
    maximum is at least 0.99. Measure before resampling, which rounds off the flat tops.
    """
    magnitude = np.abs(audio)
    peak = magnitude.max(initial=0)
    if peak < 0.99:
        return 0.0
    at_peak = np.concatenate([[False], magnitude >= peak - 1.5 / 32768, [False]])
    starts, ends = np.flatnonzero(np.diff(at_peak)).reshape(-1, 2).T
    lengths = ends - starts
    return float(lengths[lengths >= 3].sum() / len(magnitude))


def frame_samples(sample_rate_hz):
    """Samples in a frame of 20 ms."""
    return max(1, round(FRAME_S * sample_rate_hz))


def _powers(audio, size):
    """Power of each frame of `size` samples about its own mean: float64, (frames,)."""
    return np.var(audio.reshape(-1, size), axis=1, dtype=np.float64)


def _active_level_db(powers):
    """The fixed point that `speech_level_db` describes. Each round drops frames, so it ends."""
    ratio = 10 ** (-ACTIVE_MARGIN_DB / 10)
    active = powers
    while len(active):
        mean = active.mean()
        if mean == 0:
            break
        louder = active[active >= mean * ratio]
        if len(louder) == len(active):
            return 10 * math.log10(mean)
        active = louder
    return -math.inf
