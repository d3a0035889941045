"""The list of conversions that an evaluation is made from: a tab-separated file, paths relative to it.

    source    source_speaker    target_speaker    references                text
    a/1.flac  a                 b                 b/1.flac,b/2.flac,b/3.flac  WHAT IS SAID IN THE SOURCE

`text` may be empty where it is unknown; such a pair counts for the voice and not for the words.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vc.data.layouts import find_recordings
from vc.errors import DataError
from vc.evaluation.recognition import split_words
from vc.files import write_atomically

COLUMNS = ("source", "source_speaker", "target_speaker", "references", "text")


@dataclass(frozen=True)
class Pair:
    """One conversion: what is said in `source`, by the speaker of the `references`."""

    source: Path
    source_speaker: str
    target_speaker: str
    references: tuple[Path, ...]
    text: str

    @property
    def name(self):
        return f"{self.source.stem} to {self.target_speaker}"


def read_pairs(table):
    """List of Pair, in the table's order. Raises DataError that names the line at fault."""
    table = Path(table)
    try:
        header, *lines = table.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except FileNotFoundError:
        raise DataError(f"{table}: no such pair list; recipes/evaluate makes one") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{table}: cannot be read as a pair list: {reason}") from None
    if tuple(header.split("\t")) != COLUMNS:
        raise DataError(f"{table}: begins with {header[:200]!r}, expected the columns {', '.join(COLUMNS)}, "
                        f"between tabs")
    if not lines:
        raise DataError(f"{table}: has a header but no pair below it")
    return [_parse(line, table.parent, f"{table}, line {number}") for number, line in enumerate(lines, start=2)]


def write_pairs(table, pairs):
    """Write Pairs as `read_pairs` reads them. Raises DataError for a path that the format cannot hold."""
    table = Path(table)
    lines = ["\t".join(COLUMNS)]
    for pair in pairs:
        source, *references = (_relative(path, table.parent) for path in (pair.source, *pair.references))
        lines.append("\t".join([source, pair.source_speaker, pair.target_speaker, ",".join(references), pair.text]))
    write_atomically(table, "\n".join(lines) + "\n")


def own_recordings(pairs, manifest):
    """For each pair a recording of the target speaker that is not among the references, or None: a list.

    manifest: a table of recordings with the columns path, speaker and text. The pairs of one target take turns among
    what it offers. Raises DataError.
    """
    of_speaker = {}
    for recording in find_recordings(manifest, "table").recordings:
        of_speaker.setdefault(recording.speaker, []).append(recording)
    turns, chosen = {}, []
    for pair in pairs:
        others = _without_references(of_speaker.get(pair.target_speaker, ()), pair)
        turn = turns[pair.target_speaker] = turns.get(pair.target_speaker, -1) + 1
        chosen.append(others[turn % len(others)] if others else None)
    return chosen


def parallel_recordings(pairs, manifest):
    """For each pair a recording of the target that says the source's text and is not among the references, or None: a
    list. Raises DataError."""
    of_words = {}
    for recording in find_recordings(manifest, "table").recordings:
        if words := tuple(split_words(recording.text)):
            of_words.setdefault((recording.speaker, words), []).append(recording)
    said = [of_words.get((pair.target_speaker, tuple(split_words(pair.text))), ()) for pair in pairs]
    return [next(iter(_without_references(recordings, pair)), None) for recordings, pair in zip(said, pairs)]


def _without_references(recordings, pair):
    """Those that are not among the pair's references: a list."""
    references = {os.path.realpath(path) for path in pair.references}
    return [recording for recording in recordings if os.path.realpath(recording.path) not in references]


def _parse(line, folder, where):
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) != len(COLUMNS):
        raise DataError(f"{where}: has {len(cells)} cells, expected {len(COLUMNS)}: {', '.join(COLUMNS)}")
    row = dict(zip(COLUMNS, cells))
    references = row["references"].split(",")
    empty = [name for name in COLUMNS[:3] if not row[name]] + ["references"] * (not all(references))
    if empty:
        raise DataError(f"{where}: {empty[0]} is empty or has an empty part; fill it in")
    if row["source_speaker"] == row["target_speaker"]:
        raise DataError(f"{where}: source and target are both {row['source_speaker']}, expected two speakers")
    return Pair(folder / row["source"], row["source_speaker"], row["target_speaker"],
                tuple(folder / path for path in references), row["text"])


def _relative(path, folder):
    relative = os.path.relpath(path, folder)
    if any(mark in relative for mark in ",\t\n"):
        raise DataError(f"{path}: a pair list cannot hold a path with a comma, a tab or a line break; rename the file")
    return relative


def evenly(items, count):
    """`count` of the items from the first to the last; all of them where there are no more."""
    items = list(items)
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in places]
