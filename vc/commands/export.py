"""`vc export`: a converter or a vocoder as ONNX graphs."""

from vc.commands.shared import add_command, nonempty


def add(commands):
    """The parser of `vc export`."""
    parser = add_command(commands, "export", _export, help="write a model or vocoder as ONNX graphs")
    parser.add_argument("model", nargs="?", type=nonempty, metavar="MODEL",
                        help="a file that `vc train` wrote (default: the model in the package)")
    parser.add_argument("-o", "--output", required=True, type=nonempty, metavar="FILE.onnx",
                        help="a converter becomes FILE-encoder.onnx and FILE-decoder.onnx")


def _export(options):
    from vc.checkpoint import load_checkpoint, load_model
    from vc.conversion import model_path
    from vc.export import export_converter, export_vocoder
    from vc.vocoders.neural import load_vocoder

    path = model_path(options.model)
    checkpoint = load_checkpoint(path, kinds=("model", "vocoder", "training"))
    if checkpoint.config.task == "vocoder":
        written = export_vocoder(load_vocoder(path)[0], options.output)
    else:
        written = export_converter(load_model(path)[0], options.output)
    for file in written:
        print(file)
    return 0
