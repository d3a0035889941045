"""An index of a folder of recordings, kept in a file and brought up to date by what is new or has changed."""

import logging
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vc.audio import load_audio
from vc.data.layouts import AUDIO_SUFFIXES, list_audio
from vc.errors import AudioError, SearchError
from vc.search.content import Sequence, find
from vc.search.neighbours import nearest
from vc.search.passages import Listener
from vc.search.store import INDEX_NAME, Entry, is_index, load_entries, save_entries

SAVE_EVERY_S = 60.0  # a killed indexing loses no more than that

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Match:
    """A recording that answers a query, from start_s to end_s. score: 1 at best, a cosine or what vc.search.content
    says."""

    path: Path
    score: float
    start_s: float
    end_s: float


class Index:
    """The recordings below `folder` that `update` has heard with a Converter.

    path: the index's file, by default vc-index.safetensors in the folder. renew: pass over what the file holds. Raises
    SearchError for a folder that is none, for a file that is no index, and for an index that is damaged or another
    model's.

    >>> index = Index("recordings", vc.load())
    >>> index.update()
    >>> index.by_speaker("who.wav"), index.by_content("words.wav")      # lists of Match, best first
    """

    def __init__(self, folder, converter, path=None, renew=False):
        self.folder, self.converter = Path(folder), converter
        if not self.folder.is_dir():
            raise SearchError(f"{folder}: is no folder, expected one with the recordings to search")
        self.path = Path(path or self.folder / INDEX_NAME)
        if self.path.exists() and not is_index(self.path):
            raise SearchError(f"{self.path}: is no index; give another --index")
        self.listener = Listener(converter)
        self.entries = {} if renew or not self.path.exists() else load_entries(self.path, converter)

    def update(self):
        """Hear what is new or has changed, forget what is gone, and save. Returns a list of AudioError, one for each
        recording that cannot be read. Raises CheckpointError where the index cannot be written, SearchError for a
        folder without audio."""
        files = list_audio(self.folder)
        if not files:
            raise SearchError(f"{self.folder}: a folder without audio files, expected at least one of "
                              f"{', '.join(sorted(AUDIO_SUFFIXES))}")
        present = set(files)
        kept = {name: entry for name, entry in self.entries.items() if name in present}
        changed, self.entries = len(kept) < len(self.entries) or not self.path.exists(), kept
        failures, saved_at = [], -math.inf  # the first save comes at once: hearing takes long, a refusal should not
        for name in files:
            if changed and time.monotonic() - saved_at > SAVE_EVERY_S:
                self.save()
                changed, saved_at = False, time.monotonic()
            try:
                changed |= self._heard_anew(name)
            except AudioError as error:
                changed |= self.entries.pop(name, None) is not None
                failures.append(error.with_traceback(None))  # which would hold on to what was open, and to this list
        if changed:
            self.save()
        return failures

    def save(self):
        """Write the index to its file. Raises CheckpointError."""
        save_entries(self.path, self.entries, self.converter)

    def by_speaker(self, query, count=10):
        """The recordings whose speaker sounds most like that of `query`, a path: list of Match. Raises AudioError."""
        wanted = voice_of(self.listener.passages(query)[0], query)
        names = [name for name, entry in self.entries.items() if entry.passages and not self._is(name, query)]
        if not names:
            return []
        voices = np.stack([voice_of(self.entries[name].passages, name) for name in names])
        places, cosines = nearest(wanted, voices, count)
        return [Match(self.folder / names[place], float(cosine), 0.0, self.entries[names[place]].seconds)
                for place, cosine in zip(places.tolist(), cosines, strict=True)]

    def by_content(self, query, count=10):
        """Where the words of `query`, a path, are said: list of Match. Raises AudioError, SearchError."""
        wanted = self.listener.query(load_audio(query, self.converter.sample_rate), query)
        passages = [(name, passage) for name, entry in self.entries.items() if not self._is(name, query)
                    for passage in entry.passages]
        found = find(Sequence(wanted.content, wanted.whispered),
                     [Sequence(passage.content, passage.whispered) for _, passage in passages])
        return _apart([self._match(one, *passages[one.place]) for one in found])[:count]

    def _heard_anew(self, name):
        """Whether the recording had to be heard, because it is new or has changed."""
        path, entry = self.folder / name, self.entries.get(name)
        try:
            status = os.stat(path)
        except OSError as error:
            raise AudioError(f"{path}: cannot be opened: {error.strerror}") from None
        state = status.st_size, status.st_mtime_ns, status.st_ctime_ns
        if entry and (entry.size_bytes, entry.modified_ns, entry.changed_ns) == state:
            return False
        passages, seconds = self.listener.passages(path)
        if not passages:
            _log.warning("%s: holds no speech or is too short, and will not be found", path)
        self.entries[name] = Entry(*state, seconds, passages)
        return True

    def _is(self, name, query):
        """Whether a recording is the query itself, which answers nothing."""
        path = self.folder / name
        return path.exists() and os.path.samefile(path, query)

    def _match(self, found, name, passage):
        start_s = passage.start_s + found.start * self.listener.frame_s
        end_s = min(passage.start_s + found.stop * self.listener.frame_s, passage.start_s + passage.seconds)
        return Match(self.folder / name, found.score, start_s, end_s)


def voice_of(passages, path):
    """Speaker half (S,), of unit length, of a recording's passages, each counting by how long it is. Raises AudioError,
    naming `path`, where nobody speaks."""
    if not passages:
        raise AudioError(f"{path}: is silent or too short, expected at least half a second of speech")
    mean = sum(passage.speaker * passage.seconds for passage in passages)
    return mean / np.linalg.norm(mean)


def _apart(matches):
    """Matches, best first, without those that overlap a better one of the same recording by more than half."""
    kept = []
    for match in matches:
        if not any(match.path == better.path and _shared_s(match, better) > (match.end_s - match.start_s) / 2
                   for better in kept):
            kept.append(match)
    return kept


def _shared_s(one, other):
    return min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
