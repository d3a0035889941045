"""Voice conversion as a signal-processing engineer would build it in an afternoon: nothing is learnt.

WORLD (Morise et al. 2016) takes the source apart into pitch, spectral envelope and aperiodicity. The logarithm of the
pitch gets the target's mean and deviation; the envelope's frequencies are stretched by the one ratio that brings its
long-term mean nearest to the target's, which stands for the length of the vocal tract; then that mean itself is moved
onto the target's. F is a number of frequency bins, T of frames, N of samples.
"""

from dataclasses import dataclass

import numpy as np

from vc.audio import load_audio
from vc.evaluation.packages import require_packages
from vc.evaluation.pitch import import_world, log_pitch_range, move_range, world_pitch
from vc.level import require_speech, restore_level, speech_level_db

FRAME_MS = 5.0
RATIOS = np.arange(0.80, 1.2501, 0.01)
# Above and below, the long-term mean tells of the microphone rather than of the speaker.
COMPARED_HZ = (200.0, 5000.0)
MOST_DB = 15.0  # by which a frequency is raised or lowered; more would lift noise
LOWEST_POWER = 1e-12


@dataclass(frozen=True)
class Analysis:
    """f0: (T,) in Hz. log_envelope: natural logarithm of the power (T, F). aperiodicity: (T, F)."""

    f0: np.ndarray
    log_envelope: np.ndarray
    aperiodicity: np.ndarray

    @property
    def mean_envelope(self):
        """Long-term mean over the voiced frames, or over all where none is voiced: (F,)."""
        voiced = self.log_envelope[self.f0 > 0]
        return (voiced if len(voiced) else self.log_envelope).mean(axis=0)


class ClassicalConverter:
    """Says a recording in the voice of another, at `sample_rate_hz`."""

    def __init__(self, sample_rate_hz):
        require_packages("the classical converter", "pyworld", "pkg_resources")
        self.sample_rate_hz = sample_rate_hz
        self._world = import_world()

    def convert(self, source, references):
        """Paths of a source and of the target's references -> float32 (N,), as long and as loud as the source.

        Raises AudioError.
        """
        audio = self._load(source)
        level_db = speech_level_db(audio, self.sample_rate_hz)
        own = self._analyse(audio)
        targets = [self._analyse(self._load(path)) for path in references]
        target_mean = np.mean([target.mean_envelope for target in targets], axis=0)
        envelope = warp(own.log_envelope, warping_ratio(own.mean_envelope, target_mean, self.sample_rate_hz))
        most = MOST_DB * np.log(10) / 10
        change = target_mean - Analysis(own.f0, envelope, own.aperiodicity).mean_envelope
        change -= change.mean()
        envelope = envelope + np.clip(change, -most, most)
        f0 = _move_pitch(own.f0, np.concatenate([target.f0 for target in targets]))
        said = self._world.synthesize(f0, np.exp(envelope), own.aperiodicity, self.sample_rate_hz, FRAME_MS)
        said = np.pad(said, (0, max(0, len(audio) - len(said))))[:len(audio)]
        return restore_level(said, self.sample_rate_hz, level_db).astype(np.float32)

    def _load(self, path):
        audio = load_audio(path, self.sample_rate_hz)
        require_speech(audio, self.sample_rate_hz, path, min_s=0.1)
        return audio.astype(np.float64)

    def _analyse(self, audio):
        f0, times = world_pitch(audio, self.sample_rate_hz, FRAME_MS)
        envelope = self._world.cheaptrick(audio, f0, times, self.sample_rate_hz)
        return Analysis(f0, np.log(np.maximum(envelope, LOWEST_POWER)),
                        self._world.d4c(audio, f0, times, self.sample_rate_hz))


def warp(log_envelope, ratio):
    """(T, F) whose frequencies are multiplied by `ratio`: what stood at f stands at ratio * f."""
    bins = np.arange(log_envelope.shape[1])
    return np.stack([np.interp(bins / ratio, bins, frame) for frame in log_envelope])


def warping_ratio(own_mean, target_mean, sample_rate_hz):
    """The ratio of RATIOS whose warping brings one long-term mean (F,) nearest to the other in shape."""
    hz = np.linspace(0, sample_rate_hz / 2, len(own_mean))
    compared = (hz >= COMPARED_HZ[0]) & (hz <= COMPARED_HZ[1])

    def distance(ratio):
        difference = (warp(own_mean[None], ratio)[0] - target_mean)[compared]
        # A straight slope is the microphone's or the effort's, not the length of the tract's.
        slope = np.polyfit(hz[compared], difference, 1)
        return np.mean((difference - np.polyval(slope, hz[compared])) ** 2)

    return float(min(RATIOS, key=distance))


def _move_pitch(f0, target_f0):
    moved = np.zeros_like(f0)
    voiced = f0 > 0
    moved[voiced] = np.exp(move_range(np.log(f0[voiced]), log_pitch_range(f0), log_pitch_range(target_f0)))
    return moved
