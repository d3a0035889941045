"""The model that ships under the conditions that users really have: a row each, beside the plain pairs.

    python recipes/default/conditions.py --pairs EVAL/pairs.tsv --corpus CORPUS/manifest.tsv --noise NOISE \\
        -o recipes/default/CONDITIONS.md

The corpus is the one that the model was trained on; it lends what the list lacks: children, German, Dutch. What the
page says outside of the markers stays. A figure is taken as it comes; nothing is chosen by it.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from long_source import convert_long
from publish import put_between
from situations import situations

from vc.audio import save_audio
from vc.conversion import load
from vc.data.layouts import find_recordings
from vc.errors import VcError
from vc.evaluation.clusters import of_pairs
from vc.evaluation.groups import know_speakers
from vc.evaluation.instrument import Case, Sound
from vc.evaluation.intervals import ratio_of_sums, share
from vc.evaluation.naturalness import Naturalness
from vc.evaluation.pairs import read_pairs
from vc.evaluation.pitch import Pitch
from vc.evaluation.recognition import Recognition
from vc.evaluation.similarity import Similarity
from vc.evaluation.table import cell
from vc.files import write_atomically

BEGIN = "<!-- conditions: written by recipes/default/conditions.py -->\n"
END = "<!-- end of conditions -->\n"
INSTRUMENTS = {"voice": Similarity, "words": Recognition, "quality": Naturalness, "melody": Pitch}
GENDER_RECORDINGS = 3  # of a speaker, to guess the gender from
SHARE = "nearer_target"  # of the pairs, not a mean over them
# Measure: its column's title, digits, and what it is weighed by (None: each pair counts alike).
COLUMNS = {
    "cosine_to_target": ("cosine to target", 3, None),
    "nearer_target": ("nearer target than source, %", 0, None),
    "wer": ("WER, %", 1, "words"),
    "source_wer": ("WER of the source as it was given, %", 1, "words"),
    "dnsmos": ("DNSMOS", 2, None),
    "f0_correlation": ("correlation of log-F0 with the clean source's", 3, None),
}


def main(arguments):
    """Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if not options.output.exists():
            write_atomically(options.output, f"# Under other conditions\n\n{BEGIN}{END}")
        put_between(options.output, BEGIN, "", END)  # a page without its markers is refused before the work
        pairs = read_pairs(options.pairs)
        long_run = convert_long(pairs, 60 * options.minutes)
        with tempfile.TemporaryDirectory(prefix="vc-conditions-") as folder:
            told = _measure(options, pairs, Path(folder)) + "\n" + long_run.told
        write_atomically(options.output, put_between(options.output, BEGIN, told, END))
    except (VcError, OSError, RuntimeError) as error:  # the last: the long conversion failed and has said why
        print(f"conditions: error: {error}", file=sys.stderr)
        return 1
    print(told, end="")
    return 0


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", required=True, type=Path, metavar="TSV", help="a list as `vc evaluate` reads it, "
                        "beside the manifest.tsv of its recordings")
    parser.add_argument("--corpus", required=True, type=Path, metavar="TSV", help="what the model was trained on")
    parser.add_argument("--noise", required=True, type=Path, metavar="FOLDER", help="recordings of noise")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="MD", help="the page to write")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="pairs a row (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="MIN", help="of the long source (default: "
                        "%(default)g)")
    return parser


def _measure(options, pairs, folder):
    """The table: Markdown."""
    converter = load(device="cpu")
    genders = guess_genders(options.pairs.parent / "manifest.tsv", pairs)
    rows = situations(pairs, genders, find_recordings(options.corpus, "table"), converter.model.config.data,
                      options.noise, converter.mel, options.count, folder)
    judge = Judge(tuple(dict.fromkeys(trial.pair.text for row in rows for trial in row.trials)))
    lines = []
    for row in rows:
        found = [judge.measure(converter, trial, folder / f"result-{number}.wav")
                 for number, trial in enumerate(row.trials)]
        told = cells(found, [trial.pair for trial in row.trials])
        lines.append(f"| {row.name} | {len(row.trials)} | {' | '.join(told)} | {row.note} |")
        print(lines[-1], file=sys.stderr, flush=True)
    titles = " | ".join(title for title, *_ in COLUMNS.values())
    return (f"Model {converter.fingerprint[:12]}, step {converter.step}.\n\n| condition | pairs | {titles} | note |\n"
            f"|{'---|' * (len(COLUMNS) + 3)}\n" + "\n".join(lines) + "\n")


def guess_genders(manifest, pairs):
    """{speaker: woman or man} of a list's speakers, from the manifest or a guess."""
    heard, melody = {}, Pitch()
    for pair in pairs:
        heard.setdefault(pair.source_speaker, {})[pair.source] = None
        heard.setdefault(pair.target_speaker, {}).update(dict.fromkeys(pair.references))
    contours = {speaker: [melody.read(Sound(path)) for path in list(paths)[:GENDER_RECORDINGS]]
                for speaker, paths in heard.items()}
    return know_speakers(manifest, sorted(heard), contours).genders


class Judge:
    """Reads each recording once. texts: all that will be met."""

    def __init__(self, texts):
        self._instruments = {name: kind(texts) for name, kind in INSTRUMENTS.items()}
        self._known = {}

    def measure(self, converter, trial, output):
        """{measure or weight: number or None} of a Trial, converted into the file `output`, which may be there."""
        audio = converter.convert(trial.source, list(trial.references))
        save_audio(output, audio, converter.sample_rate, force=True)
        pair, sound = trial.pair, Sound(output, trial.pair.text)
        voice, melody = (Case(self._instruments[name].read(sound), source=self._reading(name, pair.source),
                              references=[self._reading(name, path) for path in pair.references])
                         for name in ("voice", "melody"))
        words = self._instruments["words"]
        given = words.judge(Case(self._reading("words", trial.source, pair.text), pair.text))
        return (self._instruments["voice"].judge(voice) | self._instruments["melody"].judge(melody)
                | words.judge(Case(words.read(sound), pair.text)) | {"source_wer": given["wer"]}
                | {"dnsmos": self._instruments["quality"].read(sound)})

    def _reading(self, name, path, text=""):
        key = name, path, text
        if key not in self._known:
            self._known[key] = self._instruments[name].read(Sound(path, text))
        return self._known[key]


def cells(found, pairs):
    """The columns of a row: each measure over the trials with its interval, or a dash. pairs: theirs."""
    return [_cell([(one, pair) for one, pair in zip(found, pairs, strict=True) if one.get(measure) is not None],
                  measure, digits, weight) for measure, (_, digits, weight) in COLUMNS.items()]


def _cell(found, measure, digits, weight):
    values, clusters = np.array([one[measure] for one, _ in found]), of_pairs([pair for _, pair in found])
    if measure == SHARE:
        interval = share(values / 100, clusters)
        return cell(interval and interval.times(100), digits)
    weights = np.array([1.0 if weight is None else one[weight] for one, _ in found])
    return cell(ratio_of_sums(values * weights, weights, clusters), digits)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
