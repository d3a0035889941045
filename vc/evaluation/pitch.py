"""Does the melody survive? The pitch contour (pyworld: DIO and StoneMask, Morise et al. 2009) against the source's."""

import importlib.metadata
import warnings
from typing import final

import numpy as np

from vc.evaluation.instrument import SAMPLE_RATE_HZ, Instrument
from vc.evaluation.packages import require_packages
from vc.evaluation.result import Measure

FRAME_MS = 10.0
LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0
MIN_FRAMES = 10  # voiced in both contours; fewer have no melody
MAINS_HZ = (50.0, 60.0)
HUM_HZ, BESIDE_HZ = 1.5, 8.0  # on each side of these: as wide as a hum is, and what it is held against
HUM_DB = 6.0  # above what is beside it, where it is one
STEADY_S = 1.0  # as long it stays as it is; nobody speaks so steadily

_TRUST = ("The tracker errs by 1 cent and in 3 % of the frames' voicing on tones of known pitch, more on hoarse "
          "voices. It misses voices behind the hum of the mains, which is taken off before.")


@final
class Pitch(Instrument):
    """Only for what says the source's words with the source's timing."""

    measures = (
        Measure("f0_correlation", "correlation of log-F0 with the source's", "", "higher", _TRUST),
        Measure("f0_error", "distance from the source's log-F0 in the target's range", "cents", "lower",
                _TRUST + " The median; mean and deviation of the target's references tell its range."),
        Measure("voicing_error", "frames voiced in one of answer and source only", "%", "lower", _TRUST),
    )
    needs = ("output", "source", "references")

    def __init__(self, texts=()):
        super().__init__(texts)
        require_packages("pitch", "pyworld", "pkg_resources")

    def describe(self, text):
        return f"pyworld {importlib.metadata.version('pyworld')} {FRAME_MS} {LOWEST_HZ} {HIGHEST_HZ}"

    def read(self, sound):
        """F0 in Hz every FRAME_MS, 0 where unvoiced: a list (T,)."""
        return [round(float(hz), 2) for hz in world_pitch(sound.levelled, SAMPLE_RATE_HZ, FRAME_MS)[0]]

    def judge(self, case):
        if not case.says_source:
            return dict.fromkeys(measure.name for measure in self.measures)
        frames = min(len(case.output), len(case.source))
        own, source = np.array(case.output[:frames]), np.array(case.source[:frames])
        values = {"f0_correlation": None, "f0_error": None, "voicing_error": 100 * np.mean((own > 0) != (source > 0))}
        both = (own > 0) & (source > 0)
        if both.sum() < MIN_FRAMES:
            return values
        own_log, source_log = np.log(own[both]), np.log(source[both])
        target = log_pitch_range(np.concatenate([np.array(one) for one in case.references]))
        if own_log.std() > 1e-6 and source_log.std() > 1e-6:
            values["f0_correlation"] = float(np.corrcoef(own_log, source_log)[0, 1])
        moved = move_range(source_log, log_pitch_range(source), target)
        values["f0_error"] = float(np.median(np.abs(own_log - moved)) * 1200 / np.log(2))
        return values


def world_pitch(audio, sample_rate_hz, frame_ms=FRAME_MS, lowest_hz=LOWEST_HZ, highest_hz=HIGHEST_HZ):
    """floats (N,) -> (F0 in Hz (T,), 0 where unvoiced; the frames' times in seconds (T,)), both float64.

    Heard without the hum of the mains.
    """
    pyworld, audio = import_world(), without_hum(np.asarray(audio, np.float64), sample_rate_hz)
    f0, times = pyworld.dio(audio, sample_rate_hz, f0_floor=lowest_hz, f0_ceil=highest_hz, frame_period=frame_ms)
    return pyworld.stonemask(audio, f0, times, sample_rate_hz), times


def without_hum(audio, sample_rate_hz):
    """floats (N,) -> floats (N,) without the fundamental of the mains, where it stands out.

    DIO takes the steadiest band for the pitch: behind a hum it misses a good part of a voice.
    """
    if len(audio) < STEADY_S * sample_rate_hz:  # too short to tell
        return audio
    power = np.abs(np.fft.rfft(audio)) ** 2
    hertz = np.fft.rfftfreq(len(audio), 1 / sample_rate_hz)
    for mains_hz in MAINS_HZ:
        away = np.abs(hertz - mains_hz)
        beside = power[(away > HUM_HZ) & (away <= BESIDE_HZ)].mean()
        if power[away <= HUM_HZ].mean() > 10 ** (HUM_DB / 10) * beside:
            audio = audio - _steady(audio, mains_hz, sample_rate_hz)
    return audio


def _steady(audio, hertz, sample_rate_hz):
    """What of a waveform (N,) swings at this frequency for STEADY_S, as a lock-in amplifier finds it."""
    carrier = np.exp(2j * np.pi * hertz * np.arange(len(audio)) / sample_rate_hz)
    window = np.hanning(round(STEADY_S * sample_rate_hz))
    size = len(audio) + len(window) - 1
    response = np.fft.fft(window, size)

    def smooth(values):
        return np.fft.ifft(np.fft.fft(values, size) * response)[len(window) // 2:][:len(audio)]

    # At the edges half a window has the say, so its sum is less.
    return 2 * (smooth(audio * carrier.conj()) / smooth(np.ones(len(audio))) * carrier).real


def import_world():
    """The module pyworld, which on its first import complains of what setuptools is about to drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyworld
    return pyworld


def log_pitch_range(f0):
    """(mean, deviation) of the logarithm of F0 (T,) in Hz over its voiced frames; (nan, nan) where there is none."""
    voiced = np.log(f0[f0 > 0])
    return (float(voiced.mean()), float(voiced.std())) if len(voiced) else (np.nan, np.nan)


def move_range(log_f0, source, target):
    """log-F0 (T,) moved from one (mean, deviation) to another. A side without pitch leaves it where it is."""
    if not np.isfinite([*source, *target]).all():
        return log_f0
    return target[0] + (log_f0 - source[0]) * (target[1] / max(source[1], 1e-3))
