"""What the probes found, as a table for the terminal and as JSON."""

import json
import math
from dataclasses import asdict
from pathlib import Path

from vc.errors import EvaluationError
from vc.files import write_atomically
from vc.probing.findings import Finding


def format_findings(report):
    """The ProbeReport as lines of text."""
    lines = [f"{'':36}{'value':>8}{'95 %':>18}{'chance':>9}{'n':>8}"]
    for name, found in report.findings.items():
        interval = "-" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"
        lines.append(f"{name:36}{found.value:8.3f}{interval:>18}{found.chance:9.3f}{found.n:8}  {found.unit}: "
                     f"{found.title}")
    lines += [f"left out: {name}: {why}" for name, why in report.left_out.items()]
    return "\n".join([*lines, *report.notes])


def save_findings(path, findings, model):
    """Write {name: Finding}, and of which model they are, its fingerprint, to `path`, whole or not at all."""
    entries = {"model": model} | {name: asdict(found) for name, found in findings.items()}
    write_atomically(path, json.dumps(entries, indent=1, allow_nan=False) + "\n")


def load_findings(path, model):
    """What save_findings wrote of the model with this fingerprint, as it stands there: {name: {field of Finding:
    value}}. Raises EvaluationError for another model's and for anything else."""
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
        probed = entries.pop("model", model)  # files of older versions do not tell
        for name, entry in entries.items():
            _check(name, Finding(**entry))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{path}: not what vc probe wrote ({error}); give the file of its -o") from None
    if probed != model:
        raise EvaluationError(f"{path}: found in the model {str(probed)[:12]}, this one is {model[:12]}; run "
                              f"`vc probe` with this model")
    return entries


def _check(name, found):
    """Raises ValueError or TypeError where a field holds no word, or no finite number, that should."""
    ends = () if found.low is None and found.high is None else (found.low, found.high)
    words, numbers = (found.half, found.title, found.unit), (found.value, *ends, found.chance, found.n)
    if not (all(isinstance(word, str) for word in words) and all(map(math.isfinite, numbers))):
        raise ValueError(f"{name}: got {found}, expected words and finite numbers")
