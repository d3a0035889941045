"""How far is it from the target saying the same? Mel-cepstral distortion, where such a recording exists."""

import importlib.metadata
from typing import final

import numpy as np

from vc.evaluation.instrument import SAMPLE_RATE_HZ, Instrument
from vc.evaluation.packages import require_packages
from vc.evaluation.result import Measure

COEFFICIENTS, BANDS = 13, 40
FFT_SAMPLES, HOP_SAMPLES = 512, 160


@final
class Cepstrum(Instrument):
    """librosa's cepstra of the mel spectrum, aligned by librosa's dynamic time warping."""

    measures = (Measure("mel_cepstral_distortion", "mel-cepstral distortion", "dB", "lower",
                        "Weak: only against another recording of the same text, and 30 dB of noise outweighs the "
                        "speaker."),)
    needs = ("output", "parallel")

    def __init__(self, texts=()):
        super().__init__(texts)
        require_packages("mel-cepstral distortion", "librosa")

    def describe(self, text):
        return f"librosa {importlib.metadata.version('librosa')} {COEFFICIENTS} {BANDS} {FFT_SAMPLES} {HOP_SAMPLES}"

    def read(self, sound):
        """Of each frame all but the level, coefficient 0: lists (COEFFICIENTS, T)."""
        import librosa

        cepstra = librosa.feature.mfcc(y=sound.levelled, sr=SAMPLE_RATE_HZ, n_mfcc=COEFFICIENTS + 1, n_mels=BANDS,
                                       n_fft=FFT_SAMPLES, hop_length=HOP_SAMPLES)
        return np.round(cepstra[1:], 3).tolist()

    def judge(self, case):
        if case.parallel is None or not case.says_source:
            return {"mel_cepstral_distortion": None}
        return {"mel_cepstral_distortion": distortion_db(np.array(case.output), np.array(case.parallel))}


def distortion_db(own, other):
    """Mean along the best alignment of two sequences of cepstra, (C, T) and (C, T').

    The cepstra are orthonormal transforms of decibels in BANDS bands, so that their distance over the root of BANDS is
    the root mean square of decibels between the two smoothed spectra. The usual (10 / ln 10) sqrt(2 sum d^2), with
    cepstra of the natural logarithm of the magnitude, is the same number.
    """
    import librosa

    costs, path = librosa.sequence.dtw(own, other)
    return float(np.mean(np.linalg.norm(own[:, path[:, 0]] - other[:, path[:, 1]], axis=0)) / np.sqrt(BANDS))
