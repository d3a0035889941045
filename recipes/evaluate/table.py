"""How well a model converts: voice, words and what they can be compared with, over a list of pairs.

    python recipes/evaluate/table.py --pairs EVAL/pairs.tsv -o runs/table

OUT/table.md is the table, OUT/table.json holds it with every pair's figures, OUT/wav/ the converted recordings. A
killed run goes on where it stopped: what was converted or measured is not done again.

Needs the extra: pip install vc[evaluate].
"""

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import tqdm

import vc
from vc.errors import DataError, VcError
from vc.files import write_atomically

from cache import Cache, digest
from measures import Examiner
from pairs import own_recordings, read_pairs
from recognition import CANDIDATES, Recogniser, split_words
from report import ROWS, markdown, summarise
from similarity import SpeakerEmbedder


def main(arguments):
    """Returns the exit code: 0, or 1 when anything failed."""
    options = _parser().parse_args(arguments)
    try:
        evaluation = _run(options)
    except VcError as error:
        print(f"table: error: {error}", file=sys.stderr)
        return 1
    print(evaluation.markdown, end="")
    for failure in evaluation.failures:
        print(f"table: error: {failure}", file=sys.stderr)
    return 1 if evaluation.failures else 0


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", metavar="FILE",
                        help="a model that `vc train` wrote (default: the one in the package)")
    parser.add_argument("--pairs", required=True, type=Path, metavar="TSV",
                        help="what to convert, see pairs.py; make_pairs.py makes such a list")
    parser.add_argument("--manifest", type=Path, metavar="TSV", help="table (path, speaker, text) with other "
                        "recordings of the target speakers (default: manifest.tsv beside the pairs)")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help="folder for the results")
    parser.add_argument("--cache", type=Path, metavar="DIR",
                        help="folder for what was measured (default: OUT/../cache)")
    parser.add_argument("--force", action="store_true", help="convert and resynthesise again what exists")
    return parser


def _run(options):
    pairs = read_pairs(options.pairs)
    manifest = options.manifest or options.pairs.parent / "manifest.tsv"
    if not manifest.exists():
        raise DataError(f"{manifest}: no such table of recordings; name one with the target speakers by --manifest")
    others = own_recordings(pairs, manifest)
    recogniser = Recogniser([pair.text for pair in pairs] + [other.text for other in others if other])
    cache = options.cache or options.output.parent / "cache"
    examiner = Examiner(SpeakerEmbedder(), recogniser, Cache(cache / "measures.jsonl"))
    studio = Studio(vc.load(options.model), options.output / "wav", cache / "resynthesis", options.force)
    evaluation = evaluate(pairs, others, studio, examiner, _notes(pairs, studio.voice, recogniser))
    options.output.mkdir(parents=True, exist_ok=True)
    write_atomically(options.output / "table.json", json.dumps(evaluation.as_json(), indent=1) + "\n")
    write_atomically(options.output / "table.md", evaluation.markdown)
    return evaluation


class Studio:
    """Makes the recordings that need the converter, as files whose names say what they were made from.

    So another model, pair or mel never meets a file of an earlier one. `force`: make each anew, once.
    """

    def __init__(self, voice, converted_folder, resynthesis_folder, force=False):
        self.voice = voice
        self._converted_folder, self._resynthesis_folder = converted_folder, resynthesis_folder
        self._force, self._made = force, set()

    def convert(self, pair):
        """Path of the source in the target's voice."""
        made_from = digest(self.voice.fingerprint, pair.source, *pair.references)
        path = self._converted_folder / f"{pair.source.stem}_to_{pair.target_speaker}_{made_from[:8]}.wav"
        return self._make(path, lambda: self.voice.convert(pair.source, target=list(pair.references)))

    def resynthesise(self, pair):
        """Path of the source through mel and vocoder alone."""
        made_from = digest(vc.__version__, self.voice.mel.model_dump_json(), type(self.voice.vocoder).__name__,
                           pair.source)
        path = self._resynthesis_folder / f"{pair.source.stem}_{made_from[:8]}.wav"
        return self._make(path, lambda: self.voice.resynthesise(pair.source))

    def _make(self, path, produce):
        if path not in self._made and (self._force or not path.exists()):
            vc.save_audio(path, produce(), self.voice.sample_rate, force=True)
        self._made.add(path)
        return path


@dataclass(frozen=True)
class Evaluation:
    """All results. measured: {row: [Measured or None for each pair]}; failures: one line for each None."""

    pairs: list
    measured: dict
    failures: list
    groups: dict
    notes: list

    @property
    def markdown(self):
        return markdown(self.groups, self.notes)

    def as_json(self):
        return {"groups": self.groups, "notes": self.notes, "failures": self.failures, "pairs": [
            {"source": str(pair.source), "source_speaker": pair.source_speaker, "target_speaker": pair.target_speaker,
             "references": [str(path) for path in pair.references], "text": pair.text,
             "rows": {row: asdict(results[number]) for row, results in self.measured.items() if results[number]}}
            for number, pair in enumerate(self.pairs)]}


def evaluate(pairs, others, studio, examiner, notes=()):
    """Measure every row of every pair, whatever fails; returns an Evaluation.

    pairs: list of Pair. others: for each a Recording of the target speaker, or None.
    """
    measured, failures = {row: [] for row in ROWS}, []
    for pair, other in zip(tqdm.tqdm(pairs, desc="pairs", file=sys.stderr), others, strict=True):
        find = {
            "source": lambda: (pair.source, pair.text),
            "target": lambda: _other_recording(pair, other),
            "resynthesis": lambda: (studio.resynthesise(pair), pair.text),
            "converted": lambda: (studio.convert(pair), pair.text),
        }
        for row in ROWS:
            try:
                measured[row].append(examiner.examine(*find[row](), pair))
            except Exception as error:  # whatever it is, the other pairs must not be lost with this one
                measured[row].append(None)
                failures.append(f"{pair.name}, {ROWS[row]}: {_one_line(error)}")
    return Evaluation(pairs, measured, failures, summarise(pairs, measured), list(notes))


def _other_recording(pair, other):
    if other is None:
        raise VcError(f"the manifest holds no recording of {pair.target_speaker} that is not a reference; "
                      f"add one or choose fewer references")
    return other.path, other.text


def _notes(pairs, voice, recogniser):
    """What one must know to read the table."""
    unknown = sum(word in recogniser.unknown for pair in pairs for word in split_words(pair.text))
    words = sum(len(split_words(pair.text)) for pair in pairs)
    return [
        f"Model {voice.fingerprint[:12] or 'without a file'}, step {voice.step}.",
        "Cosines are between Resemblyzer's embeddings: to target, with the mean direction of the references; to "
        "source, with the source recording itself.",
        f"WER and CER are pooled: all errors over all words. pocketsphinx chooses among {CANDIDATES} candidate words a "
        "text, those of the text included; read a row against the others, not by itself.",
        f"{unknown} of the {words} words are not in pocketsphinx's dictionary; they count as errors in every row.",
        "The intervals hold for more pairs of these speakers; they do not tell how other speakers would fare.",
    ]


def _one_line(error):
    text = " ".join(str(error).split())
    return text if isinstance(error, VcError) else f"{type(error).__name__}: {text}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
