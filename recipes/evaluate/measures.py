"""What is measured of one recording: whose voice it is and how many words get through."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vc.audio import load_audio
from vc.level import require_speech, speech_level_db

from cache import digest
from recognition import edit_distance, split_words
from similarity import mean_direction

SAMPLE_RATE_HZ = 16000  # of both measures' models
# The level that Resemblyzer was trained at. Its features are not logarithmic: left at 10 dB less, one recording in
# twenty has a cosine below 0.88 to itself. So nothing is measured before it is brought here.
LEVEL_DBFS = -30.0


@dataclass(frozen=True)
class Measured:
    """One recording judged against one pair. The counts are 0 where its text is unknown; spaces count as letters."""

    recording: str
    target_cosine: float
    source_cosine: float
    transcript: str
    words: int
    word_errors: int
    letters: int
    letter_errors: int

    @property
    def is_closer_to_target(self):
        return self.target_cosine > self.source_cosine


class Examiner:
    """Measures recordings, each file once: results are kept in `cache` under the file's content."""

    def __init__(self, embedder, recogniser, cache):
        self._embedder, self._recogniser, self._cache = embedder, recogniser, cache

    def examine(self, recording, text, pair):
        """Measure a recording of `text` as the outcome of a Pair. Raises AudioError."""
        target = mean_direction([self.embedding(path) for path in pair.references])
        voice, source = self.embedding(recording), self.embedding(pair.source)
        said = split_words(text)
        transcript = self.transcript(recording, text) if said else ""
        heard = split_words(transcript)
        return Measured(recording=str(recording), target_cosine=float(voice @ target),
                        source_cosine=float(voice @ source), transcript=transcript,
                        words=len(said), word_errors=edit_distance(said, heard),
                        letters=len(" ".join(said)), letter_errors=edit_distance(" ".join(said), " ".join(heard)))

    def embedding(self, path):
        """Speaker embedding of a file: (D,), of unit length."""
        return np.array(self._cache.get(digest("embedding", self._embedder.describe(), Path(path)),
                                        lambda: self._embedder.embed(load_levelled(path)).tolist()))

    def transcript(self, path, text):
        """What is heard in a file, given its text."""
        return self._cache.get(digest("transcript", self._recogniser.describe(text), Path(path)),
                               lambda: self._recogniser.transcribe(load_levelled(path), text))


def load_levelled(path):
    """A recording at SAMPLE_RATE_HZ whose speech lies at LEVEL_DBFS: float32 (N,). Raises AudioError for silence."""
    audio = load_audio(path, SAMPLE_RATE_HZ)
    require_speech(audio, SAMPLE_RATE_HZ, path, min_s=0.1)
    return audio * np.float32(10 ** ((LEVEL_DBFS - speech_level_db(audio, SAMPLE_RATE_HZ)) / 20))
