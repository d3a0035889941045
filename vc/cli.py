"""The command line; each command is a file of vc/commands.

Results go to stdout, progress and errors to stderr. Exit 0 when everything succeeded, 1 when anything failed, 2 for a
wrong call, 128 and the signal's number when stopped: 130 by Ctrl-C, 143 by SIGTERM. Nothing heavy is imported before a
command needs it, so that --help answers at once.
"""

import argparse
import gc
import logging
import os
import signal
import sys

import vc
from vc.commands import COMMANDS
from vc.commands.shared import complain, nonempty
from vc.errors import VcError


def entry_point():
    """What the `vc` script and `python -m vc` call."""
    for name in "stdout", "stderr":
        if getattr(sys, name) is None:  # the caller has closed it, as in `vc info >&-`
            setattr(sys, name, open(os.devnull, "w"))
        # A file name may hold what the terminal's encoding cannot say; no reason to fail after the work is done.
        getattr(sys, name).reconfigure(errors="backslashreplace")
    _end_in_order()
    # Read by OpenMP when torch is loaded. Threads that wait for each other would otherwise spin, and beside a program
    # that keeps one core busy that makes conversion five times slower; asleep they cost next to nothing.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    code = main(sys.argv[1:])
    gc.freeze()  # on its way out Python would look for garbage among all that torch holds, for a third of a second
    sys.exit(code)


def main(arguments):
    """Run one command; returns the exit code. Raises SystemExit for a wrong call and after --help."""
    options = _parse(arguments)
    _show_warnings()
    try:
        return options.run(options)
    except (VcError, OSError) as error:  # OSError: a disk or folder that refuses where no lower layer expects it
        if options.debug:
            raise
        complain(error)
        return 1
    except KeyboardInterrupt as stop:
        number = signal.Signals(stop.args[0] if stop.args else signal.SIGINT)
        complain(f"stopped by {'Ctrl-C' if number == signal.SIGINT else number.name}")
        return 128 + number


def _end_in_order():
    """From here on SIGTERM and SIGHUP end a command as Ctrl-C does, so that nothing half-written is left."""
    # Under torchrun, in a call to the others, no handler would be heard.
    if int(os.environ.get("WORLD_SIZE") or 1) > 1:
        return
    for name in "SIGTERM", "SIGHUP":
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(number, _stop)


def _stop(number, frame):
    raise KeyboardInterrupt(number)


def _show_warnings():
    """Warnings go to stderr, each once: a source is read twice, and its damage would be told twice."""
    shown = set()

    def is_new(record):
        new = record.getMessage() not in shown
        shown.add(record.getMessage())
        return new

    handler = logging.StreamHandler()
    handler.addFilter(is_new)
    logging.addLevelName(logging.WARNING, "warning")
    logging.basicConfig(level=logging.WARNING, format="vc: %(levelname)s: %(message)s", handlers=[handler])


def _parse(arguments):
    """argparse closes a list of positionals at the first option (`train CONFIG -o RUN key=value`); this one goes on."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and (options.tail is None or any(text.startswith("-") for text in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        try:
            getattr(options, options.tail).extend(map(nonempty, rest))
        except argparse.ArgumentTypeError as error:
            parser.error(error)
    return options


def _parser():
    parser = argparse.ArgumentParser(prog="vc", description="Voice conversion: the same sentence in another voice.")
    parser.add_argument("--version", action="version", version=f"vc {vc.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
