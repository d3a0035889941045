"""Evaluate the model that ships and put its figures where they are told: README.md, the model's card, table.md.

    python recipes/default/publish.py --pairs EVAL/pairs.tsv -o runs/default-report

What `vc evaluate` has made and measured already is not done again. figures.json keeps the figures without the single
conversions; the texts between the markers are written from it, and a test compares them.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from vc import cli
from vc.errors import EvaluationError, VcError
from vc.evaluation.result import EVERYTHING, Figure, Measure, Result, System, load_result
from vc.evaluation.table import HEADLINE, groups_of, markdown
from vc.files import write_atomically

ROOT = Path(__file__).parent.parent.parent
SUMMARY = Path(__file__).parent / "figures.json"
BEGIN, END = "<!-- figures: written by recipes/default/publish.py -->\n", "<!-- end of figures -->\n"


def main(arguments):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", required=True, metavar="TSV", help="the list of pairs")
    parser.add_argument("-o", "--output", required=True, metavar="REPORT", help="folder for the report")
    options, rest = parser.parse_known_args(arguments)
    code = cli.main(["evaluate", "--pairs", options.pairs, "-o", options.output, "--keep", *rest])
    if code:
        return code
    try:
        save_summary(SUMMARY, load_result(options.output))
        summary = load_summary(SUMMARY)
        for path in targets():
            write_atomically(path, filled_in(path, summary))
    except VcError as error:
        print(f"publish: error: {error}", file=sys.stderr)
        return 1
    return 0


def targets():
    """The files that tell the figures."""
    return [ROOT / "README.md", ROOT / "vc" / "assets" / "default.md", ROOT / "recipes" / "default" / "table.md"]


def save_summary(path, result):
    """Keep a Result without its pairs, items, points and listening, one line a part."""
    bare = asdict(replace(result, pairs=[], items=[], points=[], listening={}))
    lines = [f"{json.dumps(name)}: {_lines(value)}" for name, value in bare.items()]
    write_atomically(path, "{\n" + ",\n".join(lines) + "\n}\n")


def load_summary(path) -> Result:
    """The Result that save_summary kept."""
    content = json.loads(path.read_text(encoding="utf-8"))
    parts = {"measures": Measure, "systems": System, "figures": Figure}
    return Result(**content | {name: [part(**one) for one in content[name]] for name, part in parts.items()})


def filled_in(path, summary):
    """What a file of `targets` says with these figures. Raises EvaluationError for one without the markers."""
    told = everything(summary) if path.name == "table.md" else markdown(summary, columns=HEADLINE)
    return put_between(path, BEGIN, told, END)


def put_between(path, begin, told, end):
    """The content of a file with `told` between two marking lines. Raises EvaluationError for one without them."""
    content = path.read_text(encoding="utf-8")
    if content.count(begin) != 1 or content.count(end) != 1:
        raise EvaluationError(f"{path}: lacks the line {begin.strip()!r} or {end.strip()!r}; put them "
                              "around the figures")
    before, _, rest = content.partition(begin)
    return before + begin + told + end + rest.partition(end)[2]


def everything(summary):
    """All groups, all measures, how far each can be trusted, and the notes."""
    parts = []
    for group in groups_of(summary):
        pairs = max(figure.n for figure in summary.figures if figure.group == group)
        title = "All" if group == EVERYTHING else group[0].upper() + group[1:]
        parts += [f"## {title}: {pairs} pairs\n", markdown(summary, group)]
    parts += ["## How far to trust each measure\n",
              "\n".join(f"- {measure.title}: {measure.trust}" for measure in summary.measures) + "\n",
              "## Notes\n", "\n".join(f"- {note}" for note in [_model(summary), *summary.notes]) + "\n"]
    return "\n".join(parts)


def _model(summary):
    return f"Model {summary.model['fingerprint'][:12]}, step {summary.model['step']}."


def _lines(value):
    """JSON with a line for each entry of a list."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(json.dumps(entry) for entry in value) + "\n]" if value else "[]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
