"""The voices that the package brings along for the demo: a clip each, with where it is from."""

import csv
from dataclasses import dataclass
from pathlib import Path

from vc import assets

FOLDER = assets.FOLDER / "voices"


@dataclass(frozen=True)
class Person:
    """One line of voices.tsv: the name shown, what to expect, and whom to thank. text: what the clip says."""

    clip: Path
    name: str
    about: str
    licence: str
    source: str
    text: str


def people():
    """List of Person, in the order of the gallery."""
    with open(FOLDER / "voices.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [Person(FOLDER / row.pop("file"), **row) for row in rows]
