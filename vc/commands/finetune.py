"""`vc finetune`: a model that goes on learning from one's own recordings."""

from pathlib import Path

from vc.commands.shared import add_command, add_run_options, nonempty, run_folder


def add(commands):
    """The parser of `vc finetune`."""
    parser = add_command(commands, "finetune", _finetune, tail="overrides",
                         help="adapt a model to your own speaker or corpus",
                         description="Go on training MODEL with the speech in DATA, without forgetting other voices.")
    parser.add_argument("model", type=nonempty, metavar="MODEL",
                        help="a model that `vc train` wrote, or default: the one in the package")
    parser.add_argument("data", type=nonempty, metavar="DATA", help="a folder of one person's recordings, a folder a "
                        "speaker, a table (path, speaker), or what `vc prepare` made")
    add_run_options(parser, "the name of DATA")


def _finetune(options):
    from vc.device import choose_device
    from vc.finetuning import finetune

    print(finetune(options.model, options.data, run_folder(options, Path(options.data).resolve()),
                   options.overrides, resume=options.resume, device=choose_device(options.device)))
    return 0
