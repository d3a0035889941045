"""How well `vc search` finds, beside the same search on mels and on cepstra: Markdown tables.

    python recipes/search/measure.py --voices EVAL/manifest.tsv --sentences CORPUS/manifest.tsv

Both are tables with the columns path, speaker and text. By speaker: each recording of --voices is looked for among the
others. By content: sentences of --sentences that two people say, those of the one looked for among those of the other;
and pieces cut out of the recordings of --voices, disturbed, looked for in them.
"""

import argparse
import collections
import hashlib
import sys
from dataclasses import dataclass

import librosa
import numpy as np
import torch
from torch.nn import functional as F

from vc.audio import load_audio
from vc.conversion import load
from vc.data.layouts import find_recordings
from vc.errors import VcError
from vc.level import at_level, trim_silence
from vc.search.content import Sequence, find
from vc.search.neighbours import nearest
from vc.search.passages import Listener
from vc.spectrum import speech_frames

CEPSTRA = 20
FRAGMENT_S, NEAR_S = 1.5, 0.25
NOISE_DB, FASTER = 15.0, 1.06


@dataclass(frozen=True)
class Heard:
    """What one kind of feature knows of a recording. voice: (D,). frames: a Sequence."""

    voice: np.ndarray
    frames: Sequence


def main(arguments):
    """Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        ears = Ears(load(options.model))
        recordings = find_recordings(options.voices).recordings
        sounds = [ears.read(one.path) for one in recordings]
        heard = [ears.hear(sound) for sound in sounds]
        print(voice_table(heard, [one.speaker for one in recordings]), flush=True)
        print(place_table(ears, sounds, heard, options.pieces), flush=True)
        print(sentence_table(ears, find_recordings(options.sentences).recordings, options))
    except VcError as error:
        print(f"measure: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--voices", required=True, metavar="TSV")
    parser.add_argument("--sentences", required=True, metavar="TSV")
    parser.add_argument("--model", metavar="FILE", help="default: the one in the package")
    parser.add_argument("--half", choices=("development", "test"), default="test", help="of the sentences, by a hash")
    parser.add_argument("--library", type=int, default=200, metavar="N", help="sentences (default: %(default)s)")
    parser.add_argument("--queries", type=int, default=60, metavar="N", help="of them looked for")
    parser.add_argument("--pieces", type=int, default=40, metavar="N", help="cut out and looked for")
    return parser


class Ears:
    """The three kinds of feature of one recording, {name: Heard}: the model's halves, mels and cepstra."""

    def __init__(self, converter):
        self.listener, self.mel = Listener(converter), converter.mel

    def read(self, path):
        """Float32 (N,) at the nominal level, without the pauses at its edges."""
        rate_hz = self.mel.sample_rate_hz
        return at_level(trim_silence(load_audio(path, rate_hz), rate_hz), rate_hz)

    def hear(self, audio):
        """{name: Heard} of sound at the nominal level, float32 (N,)."""
        passage = self.listener.hear(audio)
        log_mel = self.listener.converter.log_mel(audio)
        speech = speech_frames(torch.from_numpy(audio), self.mel.hop_samples).numpy()
        cepstra = librosa.feature.mfcc(S=20 / np.log(10) * log_mel.numpy(), n_mfcc=CEPSTRA)
        frames = passage.content.shape[1]
        return {"halves": Heard(passage.speaker, Sequence(passage.content, passage.whispered)),
                "mel": _plain(log_mel.numpy(), speech, frames), "cepstra": _plain(cepstra, speech, frames)}


def _plain(values, speech, frames):
    """Heard of mels or cepstra (D, T): mean and deviation of the speech, and all frames at the content half's rate,
    standardised over the recording."""
    voice = np.concatenate([values[:, speech].mean(1), values[:, speech].std(1)])
    pooled = F.adaptive_avg_pool1d(torch.from_numpy(values)[None], frames)[0].numpy()
    pooled = (pooled - pooled.mean(1, keepdims=True)) / (pooled.std(1, keepdims=True) + 1e-3)
    return Heard(voice, Sequence(pooled, pooled))


def voice_table(heard, speakers):
    """Who speaks: the rank of the first recording of the same speaker, among all others and among one a speaker."""
    lines = [f"By speaker: {len(heard)} recordings of {len(set(speakers))} people.\n",
             "| | top-1 among all others, % | mean reciprocal rank | top-1 among one of each, % | "
             "mean reciprocal rank |",
             "|---|---|---|---|---|"]
    first = {speakers.index(speaker) for speaker in set(speakers)}
    for name in heard[0]:
        voices = np.stack([one[name].voice for one in heard])
        if name != "halves":  # values of many units: each counts by how much it varies among the recordings
            voices = (voices - voices.mean(0)) / voices.std(0)
        everyone = [_rank(voices, i, [j for j in range(len(voices)) if j != i], speakers) for i in range(len(voices))]
        enrolled = [_rank(voices, i, sorted(first), speakers) for i in range(len(voices)) if i not in first]
        lines.append(f"| {name} | {_told(everyone)} | {_told(enrolled)} |")
    return "\n".join(lines) + "\n"


def _rank(voices, query, library, speakers):
    """Rank of the first of the query's speaker among the library's recordings."""
    order, _ = nearest(voices[query], voices[library], len(library))
    return 1 + next(rank for rank, i in enumerate(order) if speakers[library[i]] == speakers[query])


def sentence_table(ears, recordings, options):
    """What is said: the rank of the same sentence by somebody else."""
    pairs = [pair for text, pair in _said_twice(recordings)
             if (hashlib.sha256(text.encode()).digest()[0] < 90) == (options.half == "development")][:options.library]
    library = [ears.hear(ears.read(second)) for _, second in pairs]
    queries = [ears.hear(ears.read(first)) for first, _ in pairs[:options.queries]]
    lines = [f"By content: {len(queries)} sentences of one person among {len(library)} of another.\n",
             "| | top-1, % | mean reciprocal rank |", "|---|---|---|"]
    for name in library[0]:
        ranks = []
        for i, query in enumerate(queries):
            places = [one.place for one in find(query[name].frames, [one[name].frames for one in library])]
            places = list(dict.fromkeys(places))  # a recording counts where it comes first
            ranks.append(1 + places.index(i) if i in places else np.inf)
        lines.append(f"| {name} | {_told(ranks)} |")
    return "\n".join(lines) + "\n"


def _said_twice(recordings):
    """(text, (path, path)) of sentences that two people say, sorted."""
    said = collections.defaultdict(dict)
    for one in recordings:
        if one.text:
            said[one.text.lower()].setdefault(one.speaker, one.path)
    return [(text, tuple(path for _, path in sorted(paths.items())[:2])) for text, paths in sorted(said.items())
            if len(paths) > 1]


def place_table(ears, sounds, heard, count):
    """Where it is said: pieces cut out, sped up and in noise; found when the first answer begins near the place."""
    rng = np.random.default_rng(0)
    rate_hz, size = ears.mel.sample_rate_hz, round(FRAGMENT_S * ears.mel.sample_rate_hz)
    long = [i for i, sound in enumerate(sounds) if len(sound) > 2 * size]
    asked = []
    for i in rng.choice(long, min(count, len(long)), replace=False):
        start = rng.integers(0, len(sounds[i]) - size)
        piece = _disturbed(sounds[i][start:start + size], rng)
        asked.append((int(i), start / rate_hz, ears.hear(piece)))
    lines = [f"Where: {len(asked)} pieces of {FRAGMENT_S:g} s, {100 * (FASTER - 1):.0f} % faster and higher, noise "
             f"{NOISE_DB:g} dB below, among {len(sounds)} recordings.\n",
             f"| | recording found, % | and begins within {NEAR_S:g} s, % |", "|---|---|---|"]
    for name in heard[0]:
        best = [find(query[name].frames, [one[name].frames for one in heard])[0] for _, _, query in asked]
        right = np.array([one.place == i for one, (i, _, _) in zip(best, asked, strict=True)])
        off_s = np.array([abs(one.start * ears.listener.frame_s - start_s)
                          for one, (_, start_s, _) in zip(best, asked, strict=True)])
        lines.append(f"| {name} | {100 * right.mean():.1f} | {100 * (right & (off_s <= NEAR_S)).mean():.1f} |")
    return "\n".join(lines) + "\n"


def _disturbed(piece, rng):
    """Played faster, with white noise NOISE_DB below it: float32 (N',)."""
    moved = np.interp(np.arange(0, len(piece) - 1, FASTER), np.arange(len(piece)), piece)
    level = np.sqrt(np.mean(moved**2)) * 10 ** (-NOISE_DB / 20)
    return (moved + level * rng.standard_normal(len(moved))).astype(np.float32)


def _told(ranks):
    ranks = np.array(ranks, float)
    return f"{100 * (ranks == 1).mean():.1f} | {(1 / ranks).mean():.3f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
