"""Preparing a corpus: from recordings of any kind to the store that training reads.

    DATA/audio.i16, manifest.tsv, store.json    the store, see vc.data.store
    DATA/prepare.json                           the settings and the source; another run must agree with them
    DATA/report.tsv                             one line a recording: path, status, reason, detail

Each recording is resampled once, freed of the silence at its edges and of a constant offset, brought to one active
speech level and stored as int16. A long recording is kept whole, since training draws random segments from it.

A run does what is missing and nothing else. A recording is known by its path below the source: one whose file, speaker
or text has changed or vanished since stays as it was prepared, and of those left out only the unreadable are tried
again. To start over, delete the folder. A run may be stopped at any moment; the next one goes on where it stopped, and
the store comes out the same.
"""

import contextlib
import itertools
import json
import logging
import math
import os
import sys
from collections import Counter, deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from vc.audio import MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ, audio_info, load_audio
from vc.data.layouts import find_recordings
from vc.data.store import StoreWriter, pitch_hop, table_cell
from vc.errors import AudioError, ConfigError, DataError
from vc.files import alone, in_our_words, write_atomically
from vc.level import NOMINAL_LEVEL_DB, clipped_share, level_gain, speech_level_db, trim_silence, without_offset
from vc.pitch import track_pitch
from vc.workers import CONTEXT, control_c_held_back, end_with_parent, processors

PEAK = 0.99  # of full scale; a voice with high peaks is stored below the common level rather than clipped
MAX_CLIPPED_SHARE = 0.001  # of the samples; more is heard
REPORT_COLUMNS = ("path", "status", "reason", "detail")
RECORDINGS_PER_WORKER = 8  # a process takes as long to start as a dozen recordings take to prepare
IN_FLIGHT_PER_WORKER = 4  # recordings prepared ahead of the one that is written next; bounds the memory

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LeftOut:
    """A recording that is not in the store. `reason` is unreadable, clipped, silent or too short."""

    path: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class PreparationReport:
    """The outcome of `prepare`: what the store holds now, and which of the source's recordings it does not.

    `already_done` counts the recordings that an earlier run had dealt with.
    """

    folder: Path
    layout: str
    speakers: int
    hours: float
    kept: int
    already_done: int
    left_out: list[LeftOut]


@dataclass(frozen=True)
class Settings:
    """What the samples in a store depend on."""

    sample_rate_hz: int
    min_s: float
    level_db: float

    def __post_init__(self):
        rate_fits = MIN_SAMPLE_RATE_HZ <= self.sample_rate_hz <= MAX_SAMPLE_RATE_HZ
        if not (rate_fits and 0 <= self.min_s < math.inf and -math.inf < self.level_db < 0):
            raise ConfigError(f"got a sample rate of {self.sample_rate_hz} Hz, a shortest recording of {self.min_s} s "
                              f"and a speech level of {self.level_db} dBFS; expected {MIN_SAMPLE_RATE_HZ} to "
                              f"{MAX_SAMPLE_RATE_HZ} Hz, 0 s or more, below 0 dBFS")


def prepare(source, folder, *, sample_rate_hz=16000, layout="auto", workers=None, min_s=0.5,
            level_db=NOMINAL_LEVEL_DB, progress=True):
    """Put the recordings of `source`, a folder or a table, into the store in `folder`; return a PreparationReport.

    `layout` is "auto" or a name in vc.data.layouts.LAYOUTS. `min_s` is the shortest speech kept, after trimming.
    `level_db` is the active speech level in dBFS that all recordings are brought to. `workers` is the number of
    processes, by default one for each processor; the store does not depend on it. `progress` shows a bar on stderr.

    Raises DataError where the source holds no usable recording, the folder holds something else or was prepared in
    another way, or it cannot be written; ConfigError for a setting out of range.
    """
    settings, folder = Settings(sample_rate_hz, min_s, level_db), Path(folder)
    corpus = find_recordings(source, layout)
    with in_our_words(folder, DataError, "choose another folder"):
        _claim(folder, corpus, settings)
    with in_our_words(folder, DataError, "what was prepared so far is kept, the same call goes on from there"):
        # Two runs would mix up their samples.
        busy = DataError(f"{folder}: another run is preparing it; wait until it ends")
        with alone(folder, busy), StoreWriter(folder, sample_rate_hz) as store, _Report(folder, store) as report:
            already_done = _fill(store, report, corpus, settings, workers or processors(), progress)
    if not store.utterances:
        raise DataError(f"{source}: none of the {len(corpus.recordings)} recordings can be used "
                        f"({_reasons(report.left_out.values())}); {folder}/report.tsv tells of each")
    samples = sum(utterance.samples for utterance in store.utterances)
    return PreparationReport(
        folder=folder, layout=corpus.layout, speakers=len({utterance.speaker for utterance in store.utterances}),
        hours=samples / sample_rate_hz / 3600, kept=len(store.utterances), already_done=already_done,
        left_out=list(report.left_out.values()))


def format_report(report):
    """The report as a few lines for the terminal."""
    lines = [f"{report.folder}: {_count(report.speakers, 'speaker')}, {_duration(report.hours)}, "
             f"{_count(report.kept, 'recording')} kept"]
    if report.left_out:
        lines.append(f"{len(report.left_out)} left out: {_reasons(report.left_out)}; see {report.folder}/report.tsv")
    if report.already_done:
        lines.append(f"{report.already_done} were done by an earlier run")
    return "\n".join(lines)


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _duration(hours):
    return f"{hours:.2f} hours" if hours >= 1 else f"{60 * hours:.2g} minutes"


def _reasons(left_out):
    counts = Counter(recording.reason for recording in left_out)
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))


# The store and what lies beside it


def _claim(folder, corpus, settings):
    """Make `folder` the store of this corpus and these settings, or refuse."""
    wanted = {"source": str(corpus.root.resolve()), "layout": corpus.layout, **asdict(settings)}
    path = folder / "prepare.json"
    if path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            found = {name: found[name] for name in wanted}
        except (ValueError, LookupError, TypeError):
            raise DataError(f"{path}: is damaged; delete {folder} to start over") from None
        for name, value in wanted.items():
            if found[name] != value:
                raise DataError(f"{folder}: was prepared with {name} {found[name]}, not {value}; choose another "
                                f"folder, or delete this one to start over")
        return
    # StoreWriter cuts off what it takes for a half-written line, and a user's own table could be called manifest.tsv.
    if folder.exists() and any(path.suffix != ".tmp" for path in folder.iterdir()):
        raise DataError(f"{folder}: is not empty and not a prepared corpus; choose a new folder")
    write_atomically(path, json.dumps(wanted, indent=2) + "\n")


class _Report:
    """report.tsv. A context manager.

    What is left out, or kept of a damaged file, is appended at once, so that a killed run need not look at it again.
    What else is kept stands in the store already; its lines are written at the end, when the whole file is written
    anew, one line a recording.
    """

    def __init__(self, folder, store):
        self.path, self.store = folder / "report.tsv", store
        self.left_out, self.damage = {}, {}
        if self.path.exists():
            whole_lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")[1:-1]
            for name, status, *reason in (line.split("\t") for line in whole_lines if line.count("\t") == 3):
                if status == "left out" and name not in store.done:
                    self.left_out[name] = LeftOut(name, *reason)
                elif reason[0] == "damaged" and name in store.done:
                    self.damage[name] = reason[1]

    def __enter__(self):
        self._write_all()
        self._file = open(self.path, "a", encoding="utf-8", newline="")
        return self

    def add(self, left_out):
        self.left_out[left_out.path] = left_out
        self._append(left_out.path, "left out", left_out.reason, left_out.detail)

    def add_damaged(self, name, damage):
        """To be called before the store has the recording, or a killed run would never tell of it."""
        self.damage[name] = damage
        self._append(name, "kept", "damaged", damage)

    def __exit__(self, *_):
        self._file.close()
        for name in self.store.done & self.left_out.keys():  # unreadable before, readable now
            del self.left_out[name]
        self._write_all()

    def _write_all(self):
        lines = [_report_line(item.path, "left out", item.reason, item.detail) for item in self.left_out.values()]
        lines += [self._kept_line(utterance) for utterance in self.store.utterances]
        write_atomically(self.path, "\t".join(REPORT_COLUMNS) + "\n" + "".join(sorted(lines)))

    def _kept_line(self, utterance):
        if utterance.path in self.damage:
            return _report_line(utterance.path, "kept", "damaged", self.damage[utterance.path])
        return _report_line(utterance.path, "kept", "", f"{utterance.samples / self.store.sample_rate_hz:.2f} s")

    def _append(self, *cells):
        self._file.write(_report_line(*cells))
        self._file.flush()


def _report_line(*cells):
    return "\t".join(table_cell(cell) for cell in cells) + "\n"


def _fill(store, report, corpus, settings, workers, progress):
    """Prepare what is missing, in the order of the corpus. Returns how many recordings were done before."""
    final = store.done | {name for name, item in report.left_out.items() if item.reason != "unreadable"}
    named = [(_name(recording, corpus.root), recording) for recording in corpus.recordings]
    todo = [(name, recording) for name, recording in named if name not in final]
    workers = max(1, min(workers, len(todo) // RECORDINGS_PER_WORKER))
    outcomes = _outcomes([str(recording.path) for _, recording in todo], settings, workers)
    bar = tqdm(total=len(named), initial=len(named) - len(todo), desc="preparing", unit=" files", file=sys.stderr,
               disable=not progress or not todo)
    with bar, contextlib.closing(outcomes):
        for (name, recording), (outcome, damage) in zip(todo, outcomes, strict=True):
            if damage:
                _log.warning("%s: %s", recording.path, damage)
            if isinstance(outcome, LeftOut):
                report.add(LeftOut(name, outcome.reason, outcome.detail))
            else:
                if damage:
                    report.add_damaged(name, damage)
                store.add(name, recording.speaker, *outcome, recording.text)
            bar.update()
    return len(named) - len(todo)


def _name(recording, root):
    """What the store calls a recording: its path from the root of the source, the same on every machine."""
    return table_cell(Path(os.path.relpath(recording.path, root)).as_posix())


# The work


def _outcomes(paths, settings, workers):
    """Yield, for each path in order, what `_prepare_one` makes of it, with a bounded number of results ahead."""
    work = partial(_prepare_one, settings)
    if workers == 1:
        yield from map(work, paths)
        return
    pool = ProcessPoolExecutor(workers, CONTEXT, initializer=end_with_parent)
    paths, pending = iter(paths), deque()
    try:
        while True:
            room = workers * IN_FLIGHT_PER_WORKER - len(pending)
            with control_c_held_back():
                pending.extend((path, pool.submit(work, path)) for path in itertools.islice(paths, room))
            if not pending:
                return
            path, outcome = pending.popleft()
            yield outcome.result()
    except BrokenProcessPool:
        raise DataError(f"a worker process died at {path} or one of the {len(pending)} recordings after it: out of "
                        f"memory, a decoder crash, or a script that calls prepare outside `if __name__ == "
                        f"'__main__':`; what was prepared is kept, workers=1 finds the recording") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare_one(settings, path):
    """What `_for_store` makes of one recording, or a LeftOut, and what is damaged about its file, "" where nothing is
    known to be. Runs in a worker process, whose own warnings would not look like the program's."""
    damage = []
    try:
        original_rate_hz = audio_info(path).sample_rate_hz
        audio = original = load_audio(path, original_rate_hz, damage.append)
        if original_rate_hz != settings.sample_rate_hz:
            audio = load_audio(path, settings.sample_rate_hz, damage.append)
    except AudioError as error:
        return LeftOut(path, "unreadable", str(error).removeprefix(f"{path}: ")), ""
    return _for_store(settings, path, original, audio), "".join(damage[:1]).removeprefix(f"{path}: ")


def _for_store(settings, path, original, audio):
    """Samples (N,), int16, and F0 of one recording as the store wants them, or a LeftOut. original, audio: it at its
    own rate and at that of the store, floats (N,)."""
    rate_hz = settings.sample_rate_hz
    speech = trim_silence(audio, rate_hz)
    if not len(speech):
        return LeftOut(path, "silent", f"{len(audio) / rate_hz:.2f} s without speech")
    clipped = clipped_share(original)  # of the original, since resampling rounds off the flat tops
    if clipped > MAX_CLIPPED_SHARE:
        return LeftOut(path, "clipped", f"{clipped:.1%} of the samples, expected at most {MAX_CLIPPED_SHARE:.1%}")
    hop = pitch_hop(rate_hz)
    shortest = max(settings.min_s * rate_hz, hop)
    if len(speech) < shortest:
        return LeftOut(path, "too short", f"{len(speech) / rate_hz:.2f} s, expected at least {shortest / rate_hz:g} s")
    speech = without_offset(speech[:len(speech) // hop * hop], rate_hz)
    return _to_int16(speech, settings), track_pitch(speech, rate_hz, hop)[:-1]


def _to_int16(speech, settings):
    """Bring floats (N,) to the common level, or as near as their peak allows, and round them to int16."""
    gain = level_gain(speech_level_db(speech, settings.sample_rate_hz), settings.level_db)
    return np.rint(speech * min(gain, PEAK / np.abs(speech).max()) * 32768).astype(np.int16)
