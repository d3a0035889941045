"""`vc train`: a model from prepared recordings."""

from pathlib import Path

from vc.commands.shared import add_command, add_device


def add(commands):
    """The parser of `vc train`."""
    parser = add_command(commands, "train", _train, tail="overrides", help="train a model on prepared recordings")
    parser.add_argument("config", metavar="CONFIG", help="a file of configs/, or your own")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="for instance train.steps=1000")
    parser.add_argument("-o", "--output", metavar="RUN",
                        help="folder of the run (default: runs/ and the config's name)")
    parser.add_argument("--resume", action="store_true", help="continue the run in this folder")
    add_device(parser)


def _train(options):
    from vc.config import load_config
    from vc.device import choose_device

    config = load_config(options.config, options.overrides)
    folder = Path(options.output) if options.output else Path("runs") / Path(options.config).stem
    from vc.training import train

    print(train(config, folder, resume=options.resume, device=choose_device(options.device)))
    return 0
