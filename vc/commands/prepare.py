"""`vc prepare`: recordings made ready for training."""

from vc.commands.shared import add_command, nonempty, positive
from vc.data.layouts import LAYOUTS


def add(commands):
    """The parser of `vc prepare`."""
    parser = add_command(commands, "prepare", _prepare, help="make recordings ready for training")
    parser.add_argument("source", type=nonempty, metavar="DIR",
                        help="a folder a speaker, a table (path, speaker, text), or a corpus")
    parser.add_argument("-o", "--output", required=True, type=nonempty, metavar="DATA",
                        help="folder for the prepared corpus")
    parser.add_argument("--layout", default="auto", choices=LAYOUTS, metavar="NAME",
                        help=f"{', '.join(LAYOUTS)} (default: %(default)s)")
    parser.add_argument("--sample-rate", type=int, default=16000, metavar="HZ", help="default: %(default)s")
    parser.add_argument("--min-seconds", type=float, default=0.5, metavar="S",
                        help="leave out what is shorter after trimming (default: %(default)s)")
    parser.add_argument("--workers", type=positive, metavar="N", help="processes (default: one a processor)")


def _prepare(options):
    from vc.data.preparation import format_report, prepare

    report = prepare(options.source, options.output, sample_rate_hz=options.sample_rate, layout=options.layout,
                     workers=options.workers, min_s=options.min_seconds)
    print(format_report(report))
    return 0
