"""What every instrument offers: it reads a recording once, and judges an answer by the readings of several.

Reading is slow and depends on one recording (and its text) alone, so readings are kept by content and taken by workers.
Judging is a little arithmetic on readings: of the answer, the source, the references. N is a number of samples.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vc.audio import load_audio
from vc.level import at_level, require_speech

SAMPLE_RATE_HZ = 16000  # of all the measures' models
# The level that Resemblyzer was trained at. Its features are not logarithmic: left at 10 dB less, one recording in
# twenty has a cosine below 0.88 to itself. So nothing is measured before it is brought here.
LEVEL_DBFS = -30.0


@dataclass(frozen=True)
class Sound:
    """A recording to be read. text: what is said in it, "" where unknown."""

    path: Path
    text: str = ""

    @cached_property
    def levelled(self):
        """The recording at SAMPLE_RATE_HZ whose speech lies at LEVEL_DBFS: float32 (N,). Raises AudioError."""
        return load_levelled(self.path)


@dataclass(frozen=True)
class Case:
    """One answer to one pair: what an instrument read in it and in what it is held against, as `read` returned it.

    output: of the answer. source: of the recording to convert. vocoded: of the source through mel and vocoder alone.
    references: of each of the target's. others: of each other target speaker's, a list of lists. parallel: of the
    target saying the source's text, None where there is no such recording. says_source: the answer says what the
    source says. seconds_ratio: seconds it took to make a second of the answer, None for a recording.
    """

    output: object
    text: str = ""
    says_source: bool = True
    source: object = None
    vocoded: object = None
    references: list = field(default_factory=list)
    others: list = field(default_factory=list)
    parallel: object = None
    seconds_ratio: float | None = None


class Instrument(ABC):
    """measures: the columns it fills. needs: the parts of a Case that it wants read. texts: all texts that will be met.

    Raises EvaluationError where its packages are missing; what is slow to load is loaded by the first reading.
    """

    measures = ()
    needs = ("output",)

    def __init__(self, texts=()):
        self.texts = texts

    @abstractmethod
    def describe(self, text):
        """All that a reading depends on besides the sound and this package's code, as one string."""

    @abstractmethod
    def read(self, sound):
        """Read a Sound: plain JSON values. Raises AudioError for one that cannot be read or is silent."""

    @abstractmethod
    def judge(self, case):
        """{measure or weight: number or None}, from the readings of a Case."""

    def notes(self):
        """What one must know to read its columns, a list of sentences."""
        return []


def load_levelled(path):
    """A recording at SAMPLE_RATE_HZ whose speech lies at LEVEL_DBFS: float32 (N,). Raises AudioError for silence."""
    audio = load_audio(path, SAMPLE_RATE_HZ)
    require_speech(audio, SAMPLE_RATE_HZ, path, min_s=0.1)
    return at_level(audio, SAMPLE_RATE_HZ, LEVEL_DBFS)
