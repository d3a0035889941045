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
    from vc.checkpoint import load_checkpoint, load_model
    from vc.export import export_converter, export_vocoder, graph_files
    from vc.vocoders.neural import load_vocoder

    if os.path.isdir(options.output):
        raise VcError(f"{options.output}: is a folder, expected the name of a file, with or without .onnx")
    path = packaged(options.model)
    checkpoint = load_checkpoint(path, kinds=("model", "vocoder", "training"))
    task = checkpoint.config.task
    for file in graph_files(task, options.output):
        checked_output(file, options.force, VcError, [path])
    if task == "vocoder":
        written = export_vocoder(load_vocoder(path)[0], options.output, checkpoint.fingerprint)
    else:
        written = export_converter(load_model(path)[0], options.output, checkpoint.fingerprint)
    for file in written:
        print(file)
    return 0
