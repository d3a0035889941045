"""`vc finetune`: a model that goes on learning from one's own recordings."""

from pathlib import Path

from vc.commands.shared import add_command, add_device


def add(commands):
    """The parser of `vc finetune`."""
    parser = add_command(commands, "finetune", _finetune, tail="overrides",
                         help="adapt a model to your own speaker or corpus",
                         description="Go on training MODEL with the speech in DATA, without forgetting other voices.")
    parser.add_argument("model", metavar="MODEL", help="a model that `vc train` wrote, or default: the one in the "
                        "package")
    parser.add_argument("data", metavar="DATA", help="a folder of one person's recordings, a folder a speaker, a "
                        "table (path, speaker), or what `vc prepare` made")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="for instance train.steps=1000")
    parser.add_argument("-o", "--output", metavar="RUN",
                        help="folder of the run (default: runs/ and the name of DATA)")
    parser.add_argument("--resume", action="store_true", help="continue the run in this folder")
    add_device(parser)


def _finetune(options):
    from vc.device import choose_device
    from vc.finetuning import finetune

    folder = Path(options.output) if options.output else Path("runs") / Path(options.data).resolve().stem
    print(finetune(options.model, options.data, folder, options.overrides, resume=options.resume,
                   device=choose_device(options.device)))
    return 0
