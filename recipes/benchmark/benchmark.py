"""How fast, how large and how smooth: speed, start-up, memory, training and seams, as one Markdown table.

    python recipes/benchmark/benchmark.py --data DATA [--model FILE] [--clip FILE] [--only convert,memory] [-o OUT.json]

Every part runs in a process of its own with one thread, so that none inherits another's memory, and reads CPU seconds,
which a busy machine stretches less than the clock on the wall. Nothing here fails for being slow; a figure beyond its
aim is marked.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from figures import Figure, child_environment, markdown_table

ROOT = Path(__file__).resolve().parents[2]
CLIPS = ROOT / "vc" / "assets" / "clips"
# Part: the module here whose `measure(options)` returns its Figures.
PARTS = {"convert": "converting", "startup": "starting", "memory": "memory", "training": "learning", "seams": "seams",
         "export": "exported"}
NEEDS_DATA = ("training", "seams")


def main():
    options = _parse()
    if options.inside:
        found = importlib.import_module(PARTS[options.inside]).measure(options)
        Path(options.output).write_text(json.dumps([asdict(figure) for figure in found]))
        return 0
    figures, failed = [], []
    with tempfile.TemporaryDirectory(prefix="vc-benchmark-") as folder:
        for part in options.only:
            print(f"measuring {part} ...", file=sys.stderr, flush=True)
            found = _measure_apart(part, Path(folder))
            figures += found or []
            failed += [] if found else [part]
    print(f"{describe_machine()}\n\n{markdown_table(figures)}")
    if options.output:
        content = {"machine": describe_machine(), "figures": [asdict(figure) for figure in figures]}
        Path(options.output).write_text(json.dumps(content, indent=2) + "\n")
    if failed:
        print(f"benchmark: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def describe_machine():
    """Processor and versions in one line."""
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text().splitlines() if cpu_info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, one used; Python "
            f"{platform.python_version()}, torch {version('torch')}")


def _measure_apart(part, folder):
    """Figures of one part from a process of its own, None where it failed."""
    report = folder / f"{part}.json"
    # The options of this very call, with the part and its report laid over them: the last of an option counts.
    command = [sys.executable, __file__, *sys.argv[1:], "--inside", part, "-o", str(report)]
    environment = child_environment(ROOT, folder / "bytecode")
    environment["TMPDIR"] = str(folder)
    if subprocess.run(command, env=environment, stdout=sys.stderr).returncode != 0:
        return None
    return [Figure(**figure) for figure in json.loads(report.read_text())]


def _parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", metavar="FILE", default=str(ROOT / "vc" / "assets" / "default.safetensors"),
                        help="default: the model in the package")
    parser.add_argument("--vocoder", metavar="FILE", help="a neural vocoder, for export")
    parser.add_argument("--clip", metavar="FILE", default=str(CLIPS / "source.flac"),
                        help="a recording; longer sources are made by repeating it (default: one in the package)")
    parser.add_argument("--target", metavar="FILE", default=str(CLIPS / "target.flac"),
                        help="a recording of the target speaker (default: another in the package)")
    parser.add_argument("--data", metavar="DATA", help="a prepared corpus, for training and seams")
    parser.add_argument("--config", metavar="FILE", default=str(ROOT / "configs" / "default.yaml"),
                        help="what to train (default: configs/default.yaml)")
    parser.add_argument("--steps", type=int, default=30, metavar="N",
                        help="training steps timed (default: %(default)s)")
    parser.add_argument("--minutes", type=_list_of(float), default=[1, 10, 60], metavar="M,M",
                        help="lengths of source whose memory is read (default: 1,10,60)")
    parser.add_argument("--only", type=_list_of(str), default=list(PARTS), metavar="PART,PART",
                        help=f"some of {','.join(PARTS)} (default: all)")
    parser.add_argument("-o", "--output", metavar="FILE", help="the figures as JSON")
    parser.add_argument("--inside", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [part for part in options.only if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; choose some of {','.join(PARTS)}")
    wanting = [part for part in options.only if part in NEEDS_DATA]
    if wanting and not options.data:
        parser.error(f"{' and '.join(wanting)} read a prepared corpus; give --data DATA, or choose others by --only")
    return options


def _list_of(kind):
    return lambda text: [kind(item) for item in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
