"""One long conversion on the command line, as a user would: its memory, its time, and whether a sample is missing."""

import itertools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vc.audio import AudioWriter, load_audio, stream_audio

sys.path.append(str(Path(__file__).parent.parent / "benchmark"))

from figures import run_child  # noqa: E402

RATE_HZ = 16000


@dataclass(frozen=True)
class LongRun:
    """samples: of source and result. cpu_s, wall_s, peak_mib: what the whole command took, its start included."""

    speaker: str
    seconds: float
    source_samples: int
    result_samples: int
    cpu_s: float
    wall_s: float
    peak_mib: float

    @property
    def told(self):
        """A few lines of Markdown."""
        exact = ("exactly as long as the source" if self.result_samples == self.source_samples else
                 f"**{self.result_samples - self.source_samples:+d} samples off the source's length**")
        return (f"A source of {self.seconds / 60:g} minutes ({self.speaker}'s recordings in a row, round and round), "
                f"`vc convert` on one thread: peak memory {self.peak_mib:.0f} MiB; real-time factor "
                f"{self.cpu_s / self.seconds:.2f} in processor time, {self.wall_s / self.seconds:.2f} by the clock of "
                f"a machine that others used too; the result has {self.result_samples} samples, {exact}.\n")


def convert_long(pairs, seconds):
    """LongRun of a source by the pairs' most recorded speaker, in the voice that a pair gives them.

    To be called before anything large is in memory: a child's peak begins with its parent's.
    """
    of_speaker = {}
    for pair in pairs:
        of_speaker.setdefault(pair.source_speaker, {})[pair.source] = pair
    own = max(of_speaker.values(), key=len)
    with tempfile.TemporaryDirectory(prefix="vc-long-") as folder:
        source, output = Path(folder) / "source.wav", Path(folder) / "result.wav"
        write_in_turn(source, list(own), seconds, RATE_HZ)
        pair = next(iter(own.values()))
        usage = run_child(["-m", "vc", "convert", str(source), "--target", *map(str, pair.references),
                           "--device", "cpu", "-o", str(output)], OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
        return LongRun(pair.source_speaker, seconds, samples_in(source), samples_in(output), usage.cpu_s,
                       usage.wall_s, usage.peak_mib)


def write_in_turn(path, recordings, seconds, sample_rate_hz):
    """Write the recordings one after the other, and again from the first, until `seconds` are full."""
    missing, turns = round(seconds * sample_rate_hz), itertools.cycle(recordings)
    with AudioWriter(path, sample_rate_hz) as writer:
        while missing > 0:
            audio = load_audio(next(turns), sample_rate_hz)[:missing]
            writer.write(audio)
            missing -= len(audio)


def samples_in(path):
    """How many samples a file of RATE_HZ holds."""
    return sum(len(block) for block in stream_audio(path, RATE_HZ))
