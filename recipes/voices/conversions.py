"""Sentences of several people said in one voice, and what is heard in them."""

from dataclasses import dataclass

import numpy as np
import torch

from vc.evaluation.instrument import LEVEL_DBFS, SAMPLE_RATE_HZ
from vc.evaluation.naturalness import Naturalness
from vc.evaluation.similarity import Similarity
from vc.level import speech_level_db
from vc.pitch import track_pitch
from vc.pitch_range import pitch_range


@dataclass(frozen=True)
class Recorded:
    """Sound in memory as instruments read it: float32 (N,) at their rate, its speech at their level."""

    levelled: np.ndarray


@dataclass(frozen=True)
class Saying:
    """Conversions of all sources in one voice. embeddings: (sources, D), each of unit length. dnsmos: of the first.
    log_pitch: mean log-F0 of each (sources,), NaN where none is voiced."""

    embeddings: np.ndarray
    dnsmos: float
    log_pitch: np.ndarray


class Ear:
    """Resemblyzer, DNSMOS and the package's tracker of F0."""

    def __init__(self):
        self._similarity, self._naturalness = Similarity(), Naturalness()

    def embedding(self, audio):
        """Of a recording (N,) at SAMPLE_RATE_HZ, on the unit sphere: (D,)."""
        return np.array(self._similarity.read(_levelled(audio)))

    def hear(self, converter, sources, voice, rated=False) -> Saying:
        """Say each source, a path, in a voice and listen. rated: by DNSMOS too, which takes most of the time."""
        assert converter.sample_rate == SAMPLE_RATE_HZ
        said = [converter.convert(source, voice) for source in sources]
        f0 = [torch.from_numpy(track_pitch(audio, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ // 100)) for audio in said]
        return Saying(np.array([self.embedding(audio) for audio in said]),
                      self._naturalness.read(_levelled(said[0])) if rated else np.nan,
                      np.array([pitch_range(contour).mean.item() for contour in f0]))


def _levelled(audio):
    return Recorded(audio * np.float32(10 ** ((LEVEL_DBFS - speech_level_db(audio, SAMPLE_RATE_HZ)) / 20)))
