"""`vc export`: a converter or a vocoder as ONNX graphs."""

import os

from vc.commands.shared import add_command, checked_output, nonempty, packaged
from vc.errors import VcError


def add(commands):
    """The parser of `vc export`."""
    parser = add_command(commands, "export", _export, help="write a model or vocoder as ONNX graphs")
    parser.add_argument("model", nargs="?", type=nonempty, metavar="MODEL",
                        help="a file that `vc train` wrote, or default or neural: the model or vocoder in the package "
                             "(default: default)")
    parser.add_argument("-o", "--output", required=True, type=nonempty, metavar="FILE.onnx",
                        help="a converter becomes FILE-encoder.onnx and FILE-decoder.onnx")
    parser.add_argument("--force", action="store_true", help="replace files that exist")


def _export(options):
    from vc.checkpoint import build, load_checkpoint
    from vc.export import export_converter, export_vocoder, graph_files
    from vc.model import AutoEncoder
    from vc.vocoders.generator import Generator

    if os.path.isdir(options.output):
        raise VcError(f"{options.output}: is a folder, expected the name of a file, with or without .onnx")
    path = packaged(options.model)
    checkpoint = load_checkpoint(path, kinds=("model", "vocoder", "training"))
    task = checkpoint.config.task
    for file in graph_files(task, options.output):
        checked_output(file, options.force, VcError, [path])
    kind, export = {"converter": (AutoEncoder, export_converter), "vocoder": (Generator, export_vocoder)}[task]
    for file in export(build(kind, checkpoint, path), options.output, checkpoint.fingerprint):
        print(file)
    return 0
