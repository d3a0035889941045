"""`vc train`: a model from prepared recordings."""

from vc.commands.shared import add_command, add_run_options, nonempty, run_folder


def add(commands):
    """The parser of `vc train`."""
    parser = add_command(commands, "train", _train, tail="overrides", help="train a model on prepared recordings")
    parser.add_argument("config", type=nonempty, metavar="CONFIG", help="a file of configs/, or your own")
    add_run_options(parser, "the config's name")


def _train(options):
    from vc.config import load_config
    from vc.device import choose_device

    config = load_config(options.config, options.overrides)
    from vc.training import train

    print(train(config, run_folder(options, options.config), resume=options.resume,
                device=choose_device(options.device)))
    return 0
