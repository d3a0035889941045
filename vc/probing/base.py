"""What every probe is."""

from abc import ABC, abstractmethod

HALVES = ("content", "speaker")


class Probe(ABC):
    """One question about both halves."""

    @abstractmethod
    def measure(self, heard, listener, effort):
        """{name: Finding}. heard: list of Heard. listener: the Listener that heard them, for a probe that wants to hear
        them otherwise. effort: Effort. Raises DataError where the recordings do not allow the question."""


def sequences_of(heard, half):
    """One half of each piece as a sequence, (C, T') or (S, 1)."""
    return [piece.content if half == "content" else piece.speaker[:, None] for piece in heard]
