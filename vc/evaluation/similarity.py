"""Whose voice it is: Resemblyzer's embedding of a recording. D is its size, 256."""

import importlib.metadata
import warnings
from functools import cached_property
from typing import final

import numpy as np

from vc.evaluation.instrument import Instrument
from vc.evaluation.packages import require_packages
from vc.evaluation.result import Measure

_TRUST = "Trustworthy: on recorded voices Resemblyzer's equal error rate is 1.6 %; noise and the room move it too."


@final
class Similarity(Instrument):
    """Recording -> a point on the unit sphere, near those of the same speaker."""

    measures = (
        Measure("cosine_to_target", "cosine to target", "", "higher", _TRUST),
        Measure("cosine_to_source", "cosine to source", "", "lower", _TRUST),
        Measure("nearer_target", "nearer target than source", "%", "higher", _TRUST, share=True),
        Measure("target_rank", "rank of the target among all targets", "", "lower",
                _TRUST + " 1 is best; more target speakers in the list make it harder."),
        Measure("equal_error_rate", "equal error rate", "%", "lower",
                _TRUST + " Of asking about each answer and each target speaker whether they are the same: 50 is "
                         "guessing, recordings of the target show the floor."),
    )
    needs = ("output", "source", "references", "others")

    def __init__(self, texts=()):
        super().__init__(texts)
        require_packages("speaker similarity", "resemblyzer", "webrtcvad", "pkg_resources")

    def describe(self, text):
        return f"resemblyzer {importlib.metadata.version('resemblyzer')}"

    def read(self, sound):
        speech = self._trim(sound.levelled)
        # A conversion may be so bad that the voice detector finds nobody; left out, it would flatter its row.
        embedding = self._encoder.embed_utterance(speech if len(speech) else sound.levelled)
        return [round(float(number), 6) for number in embedding]

    def judge(self, case):
        voice = np.array(case.output)
        target = float(voice @ mean_direction(case.references))
        source = float(voice @ np.array(case.source))
        others = [float(voice @ mean_direction(other)) for other in case.others]
        return {"cosine_to_target": target, "cosine_to_source": source, "nearer_target": 100.0 * (target > source),
                "target_rank": 1 + sum(other > target for other in others) if others else None,
                "other_cosines": others}

    @property
    def _trim(self):
        return self._library.audio.trim_long_silences

    @cached_property
    def _encoder(self):
        return self._library.VoiceEncoder("cpu", verbose=False)

    @cached_property
    def _library(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # webrtcvad and scipy announce the end of what Resemblyzer uses
            import resemblyzer
        return resemblyzer


def mean_direction(embeddings):
    """(R, D), each of unit length -> their mean, of unit length again: (D,)."""
    mean = np.mean(embeddings, axis=0)
    return mean / np.linalg.norm(mean)
