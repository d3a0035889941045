"""What an evaluation leaves behind: one JSON file that the report page, `vc compare`, README and model card read.

A system is something that answers a pair: the model, or one of the anchors it is read against. An item is one answer,
with everything that was measured of it; a figure is a statistic of one measure over the items of one system and group.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from vc.errors import EvaluationError
from vc.files import write_atomically

FORMAT = "vc-evaluation"
VERSION = 1
FILE_NAME = "report.json"
EVERYTHING = "all"


@dataclass(frozen=True)
class Measure:
    """A column. better: "higher", "lower" or "" where neither is. trust: one sentence on how far it can be believed.

    weight: the entry of Item.values that says how much an item counts in the figure, for instance words for the word
    error rate; "" where all count the same. share: an item is 0 or 100 % and the figure is the share of those that are.
    """

    name: str
    title: str
    unit: str
    better: str
    trust: str
    weight: str = ""
    share: bool = False


@dataclass(frozen=True)
class System:
    """A row. kind: "model", or "anchor" for what the model is compared with."""

    name: str
    title: str
    kind: str


@dataclass(frozen=True)
class Item:
    """One system's answer to one pair. values: {measure: number or None}. groups: those it counts in, for instance
    "woman to man" or "native to non-native", besides EVERYTHING. audio: the sound, relative to the report's folder."""

    pair: int
    system: str
    groups: list
    values: dict
    audio: str = ""


@dataclass(frozen=True)
class Pair:
    """What was asked: the source said by the target. Paths as in the list of pairs. text: "" where unknown."""

    name: str
    source: str
    source_speaker: str
    target_speaker: str
    references: list
    text: str = ""


@dataclass(frozen=True)
class Figure:
    """A statistic over the pairs with its 95 % interval, whose ends are None where too few speakers were heard to give
    one. n: pairs it rests on."""

    system: str
    group: str
    measure: str
    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Point:
    """A recording on a two-dimensional map of halves. half: "speaker" or "content"."""

    half: str
    speaker: str
    x: float
    y: float


@dataclass(frozen=True)
class Result:
    """Everything. model: name, fingerprint, step, vocoder and further facts, as plain values. listening: numbers of the
    pairs whose sounds are kept, by reason: "sample", "best", "worst". probes: what `vc probe` found, or {}. failures: a
    line for each item that could not be made or measured. notes: what one must know to read the figures."""

    model: dict
    measures: list
    systems: list
    pairs: list
    items: list
    figures: list
    points: list = field(default_factory=list)
    listening: dict = field(default_factory=dict)
    probes: dict = field(default_factory=dict)
    failures: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def figure(self, system, measure, group=EVERYTHING):
        """The Figure of one cell, or None where nothing was measured."""
        wanted = (system, measure, group)
        return next((one for one in self.figures if (one.system, one.measure, one.group) == wanted), None)


_PARTS = {"measures": Measure, "systems": System, "pairs": Pair, "items": Item, "figures": Figure, "points": Point}


def save_result(folder, result: Result):
    """Write FILE_NAME in `folder`, whole or not at all; returns its path."""
    path = Path(folder) / FILE_NAME
    content = {"format": FORMAT, "version": VERSION, **asdict(result)}
    write_atomically(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
    return path


def load_result(path) -> Result:
    """Read what save_result wrote; `path` is the file or its folder. Raises EvaluationError for anything else."""
    path = Path(path)
    path = path / FILE_NAME if path.is_dir() else path
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvaluationError(f"{path}: no such report; make one with vc evaluate") from None
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluationError(f"{path}: not a report ({error}); give a folder that vc evaluate wrote") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise EvaluationError(f"{path}: a JSON file, but not a report; give a folder that vc evaluate wrote")
    if content.get("version") != VERSION:
        raise EvaluationError(f"{path}: a report of version {content.get('version')}, this program reads {VERSION}; "
                              f"evaluate again")
    fields = {name: value for name, value in content.items() if name not in ("format", "version")}
    try:
        fields |= {name: [_typed(part(**entry)) for entry in fields[name]] for name, part in _PARTS.items()}
        return _consistent(_typed(Result(**fields)))
    except (KeyError, TypeError) as error:
        raise EvaluationError(f"{path}: an incomplete report ({error}); evaluate again") from None


def _typed(part):
    """The part, each of whose fields has its type. Raises TypeError."""
    for one in fields(part):
        value = getattr(part, one.name)
        whole_for_real = type(value) is int and isinstance(0.0, one.type)  # JSON tells no 1 from 1.0
        truth_for_number = isinstance(value, bool) and one.type is not bool
        if truth_for_number or not (isinstance(value, one.type) or whole_for_real):
            raise TypeError(f"{one.name} of a {type(part).__name__.lower()} is a {type(value).__name__}")
    return part


def _consistent(result):
    """The Result, whose items are numbers and texts and point at its pairs. Raises TypeError."""
    def all_are(kind, values):
        return all(isinstance(value, kind) for value in values)

    for item in result.items:
        if not (0 <= item.pair < len(result.pairs) and all_are(str, item.groups)
                and all_are((int, float, type(None)), item.values.values())):
            raise TypeError(f"an item of {item.system} has another pair, groups or values than a report has")
    if not all(all_are(str, pair.references) for pair in result.pairs):
        raise TypeError("the references of a pair are no texts")
    if not all(isinstance(numbers, list) and all(type(number) is int and 0 <= number < len(result.pairs)
                                                 for number in numbers) for numbers in result.listening.values()):
        raise TypeError("what to listen to is no number of a pair")
    return result
