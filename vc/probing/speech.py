"""The speech that probes are trained and judged on: a sample of a corpus, read as conversion reads its sources."""

import math
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from vc.audio import load_audio
from vc.data.layouts import find_recordings
from vc.data.sampling import group_by_speaker, is_held_out
from vc.data.store import SpeechStore
from vc.errors import AudioError, DataError
from vc.level import SILENCE_DBFS, level_gain, speech_level_db, trim_silence

LONGEST_PIECE_S, SHORTEST_PIECE_S = 15.0, 0.5
# With so many speakers outside the training data, the halves of speakers that the encoder knows are not asked.
ENOUGH_HELD_OUT = 24


@dataclass(frozen=True)
class Piece:
    """A recording or a part of a long one. audio: float32 (N,) at the nominal level, pauses at its edges taken off.

    channel: first folder of the recording's path where that is not the speaker's, else "". text: "" where unknown.
    """

    recording: str
    speaker_name: str
    channel: str
    text: str
    audio: np.ndarray


@dataclass(frozen=True)
class Sample:
    """pieces: list of Piece. speakers: how many there are. trained_on: how many of them the model was trained on, if
    this is the corpus that it was trained on."""

    pieces: list
    speakers: int
    trained_on: int


def draw_sample(data, config, speakers, seconds, seed) -> Sample:
    """So many speakers of a corpus and so many seconds of each, at random; speakers not trained on where they suffice.

    data: a folder that `vc prepare` made, or a table of recordings. config: the model's. Raises DataError.
    """
    recordings = _recordings(Path(data), config.mel.sample_rate_hz)
    by_speaker = group_by_speaker(recordings)
    if len(by_speaker) < 2:
        raise DataError(f"{data}: holds one speaker only, expected at least 2 to tell apart")
    held_out = [name for name in by_speaker if is_held_out(name, config.data)]
    pool = held_out if len(held_out) >= ENOUGH_HELD_OUT else list(by_speaker)
    rng = np.random.default_rng(seed)
    chosen = sorted(rng.permutation(len(pool))[:speakers].tolist())
    pieces = [piece for i in chosen
              for piece in _pieces_of(by_speaker[pool[i]], seconds, config.mel.sample_rate_hz, rng)]
    present = {piece.speaker_name for piece in pieces}
    if len(present) < 2:
        raise DataError(f"{data}: {len(present)} speaker(s) drawn with speech of at least {SHORTEST_PIECE_S:g} s, "
                        f"expected at least 2; raise --speakers and --seconds")
    return Sample(pieces, len(present), len(present - set(held_out)))


@dataclass(frozen=True)
class _Recording:
    """read: () -> float32 (N,), without the pauses at its edges."""

    path: str
    speaker: str
    text: str
    read: object


def _recordings(data, rate_hz):
    if data.is_file():
        corpus = find_recordings(data)
        return [_Recording(Path(os.path.relpath(found.path, corpus.root)).as_posix(), found.speaker, found.text,
                           lambda path=found.path: trim_silence(load_audio(path, rate_hz), rate_hz))
                for found in corpus.recordings]
    store = SpeechStore(data)
    store.require_rate(rate_hz)
    return [_Recording(said.path, said.speaker, said.text,
                       lambda said=said: store.audio(said).astype(np.float32) / 32768) for said in store.utterances]


def _pieces_of(spoken, seconds, rate_hz, rng):
    """Pieces of a speaker's recordings, in random order, until there are so many seconds of them."""
    pieces, missing_s = [], seconds
    for i in rng.permutation(len(spoken)):
        if missing_s <= 0:
            break
        recording = spoken[i]
        try:
            audio = recording.read()
        except AudioError as error:
            raise DataError(f"{error}; repair the table, or prepare it: vc prepare leaves such files out") from None
        level_db = speech_level_db(audio, rate_hz)
        if len(audio) < SHORTEST_PIECE_S * rate_hz or level_db < SILENCE_DBFS:
            continue
        audio = audio * level_gain(level_db)
        cut = np.array_split(audio, math.ceil(len(audio) / (LONGEST_PIECE_S * rate_hz)))
        for part in cut:
            if missing_s > 0:
                text = recording.text if len(cut) == 1 else ""  # whose words the parts hold is not known
                pieces.append(Piece(recording.path, recording.speaker, _channel(recording), text, part))
                missing_s -= len(part) / rate_hz
    return pieces


def _channel(recording):
    folders = PurePosixPath(recording.path).parts[:-1]
    return folders[0] if folders and folders[0] != recording.speaker else ""
