"""Evaluate a training run on the speakers of its own corpus that it was not trained on.

    python recipes/evaluate/held_out.py runs/vctk -o runs/vctk/report

Draws a list of pairs between them (make_pairs.py), then does what `vc evaluate` does. The recordings must still lie
where `vc prepare` found them.
"""

import argparse
import json
import sys
from pathlib import Path

from make_pairs import draw_pairs

from vc.checkpoint import load_model
from vc.data.layouts import Recording
from vc.data.sampling import is_held_out
from vc.data.store import SpeechStore
from vc.errors import DataError, VcError
from vc.evaluation.pairs import write_pairs
from vc.evaluation.run import Request, evaluate
from vc.evaluation.table import HEADLINE, markdown


def main(arguments):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, metavar="RUN", help="folder that `vc train` wrote")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="REPORT", help="folder for the report")
    parser.add_argument("--pairs", type=int, default=120, metavar="N", help="default: %(default)s")
    parser.add_argument("--references", type=int, default=3, metavar="N", help="a pair (default: %(default)s)")
    options = parser.parse_args(arguments)
    model = options.run / "best.safetensors"
    try:
        recordings = held_out_recordings(load_model(model)[1].config.data)
        table = options.output / "pairs.tsv"
        write_pairs(table, draw_pairs(recordings, options.pairs, options.references, seed=1))
        write_manifest(options.output / "manifest.tsv", recordings)
        found = evaluate(Request(table, options.output, model, keep=True))
    except VcError as error:
        print(f"held_out: error: {error}", file=sys.stderr)
        return 1
    print(markdown(found, columns=HEADLINE), end="")
    for failure in found.failures:
        print(f"held_out: error: {failure}", file=sys.stderr)
    return 1 if found.failures else 0


def held_out_recordings(settings):
    """Recordings of the speakers that a DataConfig keeps out of training. Raises DataError where there are none."""
    utterances = SpeechStore(settings.path).utterances
    root = Path(json.loads((Path(settings.path) / "prepare.json").read_text(encoding="utf-8"))["source"])
    found = [Recording(root / one.path, one.speaker, one.text) for one in utterances
             if is_held_out(one.speaker, settings)]
    if not found:
        raise DataError(f"{settings.path}: no speaker of it was held out; train with data.held_out_speakers above 0")
    return found


def write_manifest(path, recordings):
    """A table of recordings for the report's anchors."""
    lines = [f"{one.path}\t{one.speaker}\t{one.text}\n" for one in recordings]
    path.write_text("path\tspeaker\ttext\n" + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
