"""Who is heard and who is converted: of a target so many minutes to tune on, and some kept back to judge by."""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

JUDGED_S, SEED = 20.0, 5


@dataclass(frozen=True)
class Clip:
    """A recording of the table: its file, speaker, length and text."""

    path: Path
    speaker: str
    seconds: float
    text: str


def read_clips(table):
    """Clips of a table with the columns path, speaker, seconds and text, in an order that the seed decides."""
    with open(table, encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    clips = [Clip((table.parent / row["path"]).resolve(), row["speaker"], float(row["seconds"]), row.get("text") or "")
             for row in sorted(rows, key=lambda row: row["path"])]
    random.Random(SEED).shuffle(clips)
    return clips


def of_length(clips, seconds):
    """The first clips that last so long together, and the rest."""
    total = 0.0
    for number, clip in enumerate(clips):
        if total >= seconds:
            return clips[:number], clips[number:]
        total += clip.seconds
    return clips, []


def portions(clips, speaker, minutes):
    """Clips of a speaker to judge by, and {minutes: clips to tune on}, the smaller within the larger."""
    judged, rest = of_length([clip for clip in clips if clip.speaker == speaker], JUDGED_S)
    return judged, {amount: of_length(rest, 60 * amount)[0] for amount in minutes}


def write_table(path, clips):
    """A table that `vc finetune` reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("path\tspeaker\n" + "".join(f"{clip.path}\t{clip.speaker}\n" for clip in clips), encoding="utf-8")
