"""How near a copy comes to its recording, and what machines hear in it. Each reading is (numerator, denominator), so
that figures over recordings are ratios of sums; a reading that does not exist is (0, 0)."""

from dataclasses import dataclass

import librosa
import numpy as np
import torch

from vc.config import MelConfig
from vc.evaluation.instrument import LEVEL_DBFS, SAMPLE_RATE_HZ
from vc.evaluation.naturalness import Naturalness
from vc.evaluation.pitch import HIGHEST_HZ, LOWEST_HZ, world_pitch
from vc.evaluation.recognition import Recognition, edit_distance, split_words
from vc.evaluation.similarity import Similarity
from vc.level import NOMINAL_LEVEL_DB, level_gain
from vc.vocoder_losses import WaveformLosses

FRAME_PERIOD_MS = 5.0
PYIN_FRAME, PYIN_HOP = 1024, 160  # in samples


@dataclass(frozen=True)
class Heard:
    """A waveform for the instruments of `vc evaluate`. levelled: float32 (N,), its speech at LEVEL_DBFS."""

    levelled: np.ndarray
    text: str


class Measures:
    """texts: all texts of the test, from which the recogniser takes its words."""

    def __init__(self, texts):
        self.mel = MelConfig()
        self._losses = WaveformLosses(self.mel)
        self._words, self._voice, self._naturalness = Recognition(texts), Similarity(), Naturalness()

    def compare(self, wave, contours, made, text):
        """Two waveforms float32 (N,) at 16 kHz and NOMINAL_LEVEL_DB -> {measure: (numerator, denominator)}. contours:
        what `pitch_of` says of the first, which many are compared with."""
        import pystoi
        from pesq import pesq

        with torch.no_grad():
            spectrum = self._losses(torch.from_numpy(made)[None], torch.from_numpy(wave)[None])["spectrum"].item()
        gain = level_gain(NOMINAL_LEVEL_DB, LEVEL_DBFS)
        recorded, copied = Heard(wave * gain, text), Heard(made * gain, text)
        words, heard = split_words(text), split_words(self._words.read(copied) or "")
        return {"pesq": (pesq(SAMPLE_RATE_HZ, wave, made, "wb"), 1),
                "stoi": (pystoi.stoi(wave, made, SAMPLE_RATE_HZ), 1),
                "dnsmos": (self._naturalness.read(copied), 1),
                "spectrum": (spectrum, 1), **compare_pitch(contours, pitch_of(made)),
                "wer": (100 * edit_distance(words, heard), len(words)),
                "cosine": (float(np.dot(self._voice.read(recorded), self._voice.read(copied))), 1)}


def pitch_of(wave):
    """{tracker: F0 in Hz (T,), 0 where unvoiced} of a waveform (N,)."""
    return {"dio": dio(wave), "pyin": pyin(wave)}


def compare_pitch(contours, made):
    """Of what `pitch_of` says of two waveforms, the readings of `compare_contours`, named for whose they are."""
    return {f"{measure}_{name}": reading for name, contour in contours.items()
            for measure, reading in compare_contours(contour, made[name]).items()}


def dio(wave):
    """F0 in Hz (T,), 0 where unvoiced, of a waveform (N,), as `vc evaluate` hears it."""
    return world_pitch(wave, SAMPLE_RATE_HZ, FRAME_PERIOD_MS)[0]


def pyin(wave):
    """The same by probabilistic YIN (Mauch and Dixon 2014), which weighs many thresholds and whole contours."""
    f0, voiced, _ = librosa.pyin(wave, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, sr=SAMPLE_RATE_HZ, frame_length=PYIN_FRAME,
                                 hop_length=PYIN_HOP)
    return np.where(voiced, f0, 0.0)


def compare_contours(one, other):
    """Of F0 (T,) in Hz, 0 where unvoiced: correlation of log-F0 and its mean absolute error in cents where both are
    voiced, and the share of frames, in percent, where one is voiced and the other is not."""
    frames = min(len(one), len(other))
    one, other = one[:frames], other[:frames]
    both = (one > 0) & (other > 0)
    voicing = (100 * int(((one > 0) != (other > 0)).sum()), frames)
    if both.sum() < 10:
        return {"f0_correlation": (0, 0), "f0_cents": (0, 0), "voicing_error": voicing}
    one, other = np.log2(one[both]), np.log2(other[both])
    return {"f0_correlation": (float(np.corrcoef(one, other)[0, 1]), 1),
            "f0_cents": (1200 * float(np.abs(one - other).sum()), int(both.sum())), "voicing_error": voicing}


def silence_dbfs(system):
    """Level of what a system makes of three seconds of silence; -200 for zeros."""
    made = np.asarray(system(np.zeros(3 * SAMPLE_RATE_HZ, np.float32)), float)
    return 10 * np.log10(np.mean(made**2) + 1e-20)
