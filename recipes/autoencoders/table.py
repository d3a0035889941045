"""Put the members' rows side by side: table.md and samples/ beside this file, and a page in the runs' folder.

    python recipes/autoencoders/table.py runs/autoencoders
"""

import base64
import json
import sys
from pathlib import Path

from run import HERE, members

from vc.evaluation.comparison import compare
from vc.evaluation.page.document import document
from vc.evaluation.page.markup import element, joined
from vc.evaluation.result import load_result
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
# What conversions of the same pairs are compared in with those of the reference: title, measure, how it is written, in
# which nothing is negative that rounds to zero.
REFERENCE = "small"
COMPARED = (
    ("cosine to target", "cosine_to_target", "{:+z.3f}"),
    ("WER, points", "wer", "{:+z.1f}"),
    ("DNSMOS", "dnsmos", "{:+z.2f}"),
    ("log-F0 correlation", "f0_correlation", "{:+z.2f}"),
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
    found = differences(rows, folder)
    write_atomically(HERE / "table.md", markdown(rows, found))
    write_atomically(folder / "index.html", page(rows, found, folder))
    print(f"{len(rows)} of {len(members())} members: {HERE / 'table.md'}, {folder / 'index.html'}")
    return 0


def differences(rows, folder):
    """{member: {measure: vc.evaluation.comparison.Difference}}: a member's conversions less the reference's, pair by
    pair. Empty where the reference, or all but it, is missing."""
    names = [row["member"] for row in rows]
    others = [name for name in names if name != REFERENCE]
    if REFERENCE not in names or not others:
        return {}
    names = [REFERENCE, *others]
    measured = compare([load_result(folder / name / "report") for name in names], names).rows
    of_all = {row.measure.name: row.differences for row in measured}
    return {name: {measure: found[number] for measure, found in of_all.items()} for number, name in enumerate(others)}


def markdown(rows, found):
    """A line a member, a line each for what it has more than the reference, then what each of them is."""
    lines = _markdown_table(COLUMNS, {f"[{row['member']}](samples/{row['member']}.ogg)": cells(row) for row in rows})
    if found:
        lines += ["", f"More than **{REFERENCE}** has, pair by pair:", "", *_markdown_table(COMPARED, compared(found))]
    lines += ["", *(f"- **{row['member']}**: {row['idea']}" for row in rows)]
    return "\n".join(lines) + "\n"


def _markdown_table(columns, body):
    heads = ["| | " + " | ".join(title for title, _, _ in columns) + " |", "|---|" + "---|" * len(columns)]
    return heads + [f"| {name} | " + " | ".join(shown) + " |" for name, shown in body.items()]


def page(rows, found, folder):
    """The tables and a sound of each member, one HTML file."""
    sections = {"Figures": _html_table(COLUMNS, {row["member"]: cells(row) for row in rows})}
    if found:
        sections[f"More than {REFERENCE} has, pair by pair"] = _html_table(COMPARED, compared(found))
    sections["Listening"] = joined(
        element("div", {"class": "card"}, element("h3", {}, row["member"]), element("p", {}, row["idea"]),
                player(sample(folder, row))) for row in rows)
    return document("The family of auto-encoders", sections, {"members": len(rows), "steps": rows[0]["steps"]})


def _html_table(columns, body):
    heads = [element("th", {"scope": "col"}, title) for title in ("member", *(title for title, _, _ in columns))]
    lines = [element("tr", {}, element("th", {"scope": "row"}, name), *(element("td", {}, cell) for cell in shown))
             for name, shown in body.items()]
    return element("table", {}, element("thead", {}, element("tr", {}, *heads)), element("tbody", {}, *lines))


def compared(found):
    """{member: its differences to the reference as they are shown}."""
    def cell(difference, form):
        return shown(difference and [difference.value, difference.low, difference.high], form)

    return {name: [cell(measures.get(measure), form) for _, measure, form in COMPARED]
            for name, measures in found.items()}


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
