"""What the probes found, as a table for the terminal and as JSON."""

import json
from dataclasses import asdict

from vc.files import write_atomically


def format_findings(report):
    """The ProbeReport as lines of text."""
    lines = [f"{'':36}{'value':>8}{'95 %':>18}{'chance':>9}{'n':>8}"]
    for name, found in report.findings.items():
        interval = f"{found.low:.3f} to {found.high:.3f}"
        lines.append(f"{name:36}{found.value:8.3f}{interval:>18}{found.chance:9.3f}{found.n:8}  {found.unit}: "
                     f"{found.title}")
    lines += [f"left out: {name}: {why}" for name, why in report.left_out.items()]
    return "\n".join([*lines, *report.notes])


def save_findings(path, findings):
    """Write {name: Finding} to `path`, whole or not at all."""
    entries = {name: asdict(found) for name, found in findings.items()}
    write_atomically(path, json.dumps(entries, indent=1, allow_nan=False) + "\n")
