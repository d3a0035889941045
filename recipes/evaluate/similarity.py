"""Whose voice it is: Resemblyzer's embedding of a recording. D is its size, 256."""

import importlib.metadata
import warnings

import numpy as np

from vc.errors import VcError


class SpeakerEmbedder:
    """Recording -> a point on the unit sphere, near those of the same speaker. Raises VcError without Resemblyzer."""

    def __init__(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # webrtcvad and scipy announce the end of what Resemblyzer uses
            try:
                import resemblyzer
            except ModuleNotFoundError as error:
                raise VcError(f"speaker similarity needs {error.name}, which is not installed; "
                              f"pip install vc[evaluate]") from None
        self._trim = resemblyzer.audio.trim_long_silences
        self._encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)

    def describe(self):
        """All that an embedding depends on besides the sound, as one string."""
        return f"resemblyzer {importlib.metadata.version('resemblyzer')}"

    def embed(self, audio):
        """audio: float32 (N,) at 16 kHz -> float32 (D,), of unit length. Pauses do not count."""
        speech = self._trim(audio)
        # A conversion may be so bad that the voice detector finds nobody; left out, it would flatter its row.
        return self._encoder.embed_utterance(speech if len(speech) else audio)


def mean_direction(embeddings):
    """(R, D), each of unit length -> their mean, of unit length again: (D,)."""
    mean = np.mean(embeddings, axis=0)
    return mean / np.linalg.norm(mean)
