"""What the parts of the benchmark share: a figure, the table of them, and children whose time and memory are read."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One reading. aim: the value it should stay below, None for none. note: what else to know, in a few words."""

    part: str
    name: str
    value: float
    unit: str = ""
    aim: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Usage:
    """What a child process took. wall_s includes waiting for the processor, cpu_s does not; peak_mib is its RSS."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    output: str


def markdown_table(figures):
    """A row a figure."""
    rows = ["| part | what | figure | aim | note |", "|---|---|---|---|---|"]
    for figure in figures:
        aim = "" if figure.aim is None else f"< {figure.aim:g}" + (" **missed**" if figure.value >= figure.aim else "")
        rows.append(f"| {figure.part} | {figure.name} | {_three_digits(figure.value)} {figure.unit} | {aim} "
                    f"| {figure.note} |")
    return "\n".join(rows)


def child_environment(root, bytecode):
    """Environment for a child that runs on one thread and finds this checkout's `vc`.

    Compiled bytecode is kept in the folder `bytecode` whatever the user's settings are, as in a finished installation:
    compiling torch anew takes longer than all the rest of a start.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPYCACHEPREFIX": str(bytecode),
                          "PYTHONPATH": str(root)}


def run_child(arguments, **environment):
    """Run `python arguments...` to its end and return its Usage; raises RuntimeError where it fails.

    The peak is the kernel's own reading for that process. A child starts out with its parent's peak, so the parent
    must stay small: the parts that read memory do not import torch.
    """
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True,
                               env=os.environ | environment)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - start
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments))[:200]}: exit code {process.returncode}")
    per_mib = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    return Usage(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / per_mib, output)


def least(usages):
    """The Usage of least CPU time: whatever else ran on the machine can only have added to the others."""
    return min(usages, key=lambda usage: usage.cpu_s)


def _three_digits(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
