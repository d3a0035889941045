"""How long a user waits for the first sign of life, and for the first converted file."""

import json
import tempfile
from pathlib import Path

from figures import Figure, least, run_child
from sources import write_repeated

ROUNDS = 5
CLIP_S = 3.0
TORCH_MISSING = "import sys, vc.cli; vc.cli._parser().format_help(); print('torch' in sys.modules)"
# CPU seconds since the process began, after each stage; the interpreter's own start comes before the first.
FIRST_FILE = """
import json, sys, time
marks = {"interpreter": time.process_time()}
from vc.conversion import load
marks["imports"] = time.process_time()
converter = load(sys.argv[1], "cpu")
marks["loading"] = time.process_time()
converter.convert_file(sys.argv[2], sys.argv[3], sys.argv[4], force=True)
marks["converting"] = time.process_time()
print(json.dumps(marks))
"""


def measure(options):
    """Figures of the fastest of ROUNDS starts each, after one that warms the disk and compiles the bytecode."""
    helped, imported, bare = (_least_start(arguments) for arguments in (
        ["-m", "vc", "--help"], ["-c", "import vc"], ["-c", "pass"]))
    assert run_child(["-c", TORCH_MISSING]).output.strip() == "False", "vc --help imports torch"
    figures = [
        Figure("startup", "`vc --help`", helped.cpu_s, "CPU s", 0.3,
               f"by the clock {helped.wall_s:.2f} s; imports no torch; Python alone {bare.cpu_s:.3f} s"),
        Figure("startup", "`import vc`", imported.cpu_s - bare.cpu_s, "CPU s"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.wav"
        write_repeated(clip, options.clip, CLIP_S, 16000)
        return figures + _first_file(options.model, clip, options.target, Path(folder))


def _first_file(model, clip, target, folder):
    arguments = ["-c", FIRST_FILE, model, str(clip), target, str(folder / "out.wav")]
    fastest = least([run_child(arguments) for _ in range(1 + ROUNDS)][1:])
    marks = list(json.loads(fastest.output).items())
    split = ", ".join(f"{name} {now - before:.2f}" for (_, before), (name, now) in zip(marks, marks[1:]))
    # A folder of bytecode that does not exist yet, and is not to be written: the state after an installation by uv.
    cold = least([run_child(arguments, PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX=str(folder / "none"))
                  for _ in range(2)])
    return [
        Figure("startup", f"process start to the first file, {CLIP_S:g} s of source", fastest.cpu_s, "CPU s",
               note=f"{split}; by the clock {fastest.wall_s:.2f} s"),
        Figure("startup", "the same while Python has no compiled bytecode", cold.cpu_s, "CPU s",
               note="once after an installation"),
    ]


def _least_start(arguments):
    return least([run_child(arguments) for _ in range(1 + ROUNDS)][1:])
