"""`vc export`: a converter or a vocoder as ONNX graphs."""

from vc.commands.shared import add_command


def add(commands):
    """The parser of `vc export`."""
    parser = add_command(commands, "export", _export, help="write a model or vocoder as ONNX graphs")
    parser.add_argument("model", metavar="MODEL", help="a file that `vc train` wrote")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.onnx",
                        help="a converter becomes FILE-encoder.onnx and FILE-decoder.onnx")


def _export(options):
    from vc.checkpoint import load_checkpoint, load_model
    from vc.export import export_converter, export_vocoder
    from vc.vocoders.neural import load_vocoder

    checkpoint = load_checkpoint(options.model, kinds=("model", "vocoder", "training"))
    if checkpoint.config.task == "vocoder":
        written = export_vocoder(load_vocoder(options.model)[0], options.output)
    else:
        written = export_converter(load_model(options.model)[0], options.output)
    for path in written:
        print(path)
    return 0
