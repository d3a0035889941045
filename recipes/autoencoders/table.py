"""Put the members' rows side by side: table.md and samples/ beside this file, and a page in the runs' folder.

    python recipes/autoencoders/table.py runs/autoencoders
"""

import base64
import json
import sys
from pathlib import Path

from run import HERE, members

from vc.evaluation.page.document import document
from vc.evaluation.page.markup import element, joined
from vc.files import write_atomically

SAMPLES = HERE / "samples"

# Title, the row's entry, and how a number is written.
COLUMNS = (
    ("reconstruction", "reconstruction", "{:.3f}"),
    ("restoration", "restoration", "{:.3f}"),
    ("cosine to target", "cosine_to_target", "{:.3f}"),
    ("nearer target, %", "nearer_target", "{:.0f}"),
    ("WER, %", "wer", "{:.0f}"),
    ("DNSMOS", "dnsmos", "{:.2f}"),
    ("log-F0 correlation", "f0_correlation", "{:.2f}"),
    ("speaker from content", "speaker_from_content", "{:.2f}"),
    ("speaker from speaker half", "speaker_from_speaker", "{:.2f}"),
    ("content, bits/s", "bits_per_second", "{:.0f}"),
    ("CPU s a step", "cpu_seconds_a_step", "{:.2f}"),
    ("parameters, M", "parameters", "{:.1f}"),
)


def main(folder):
    """Returns the exit code."""
    rows = [json.loads((folder / name / "row.json").read_text(encoding="utf-8")) for name in members()
            if (folder / name / "row.json").exists()]
    if not rows:
        print(f"{folder}: no member is finished; call run.py first", file=sys.stderr)
        return 1
    for row in rows:
        write_atomically(SAMPLES / f"{row['member']}.ogg", sample(folder, row).read_bytes())
    write_atomically(HERE / "table.md", markdown(rows))
    write_atomically(folder / "index.html", page(rows, folder))
    print(f"{len(rows)} of {len(members())} members: {HERE / 'table.md'}, {folder / 'index.html'}")
    return 0


def markdown(rows):
    """A line a member, then what each of them is."""
    lines = ["| | " + " | ".join(title for title, _, _ in COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
    lines += [f"| [{row['member']}](samples/{row['member']}.ogg) | " + " | ".join(cells(row)) + " |" for row in rows]
    lines += ["", *(f"- **{row['member']}**: {row['idea']}" for row in rows)]
    return "\n".join(lines) + "\n"


def page(rows, folder):
    """The table and a sound of each member, one HTML file."""
    heads = [element("th", {"scope": "col"}, title) for title in ("member", *(title for title, _, _ in COLUMNS))]
    body = [element("tr", {}, element("th", {"scope": "row"}, row["member"]),
                    *(element("td", {}, cell) for cell in cells(row))) for row in rows]
    table = element("table", {}, element("thead", {}, element("tr", {}, *heads)), element("tbody", {}, *body))
    sounds = joined(element("div", {"class": "card"}, element("h3", {}, row["member"]), element("p", {}, row["idea"]),
                            player(sample(folder, row))) for row in rows)
    return document("The family of auto-encoders", {"Figures": table, "Listening": sounds},
                    {"members": len(rows), "steps": rows[0]["steps"]})


def cells(row):
    """The row's numbers as they are shown, with 95 % intervals where there are some."""
    return [shown(row.get(entry), form) for _, entry, form in COLUMNS]


def shown(value, form):
    if value is None:
        return "-"
    if isinstance(value, list):
        middle, *ends = (form.format(number) for number in value if number is not None)
        return f"{middle} [{', '.join(ends) or '-'}]"
    return form.format(value / 1e6 if form == "{:.1f}" else value)


def sample(folder, row):
    """What a member made of the pair that all of them convert."""
    return folder / row["member"] / "sample.ogg"


def player(path):
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return element("audio", {"controls": "", "preload": "none", "src": f"data:audio/ogg;base64,{data}"})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: table.py RUNS")
    sys.exit(main(Path(sys.argv[1])))
