"""`vc demo`: a page to try everything on."""

import argparse
import os
import threading

from vc.commands.shared import add_command, add_model_options, load_converter, nonempty
from vc.demo.settings import LOOPBACK, Settings, parse_auth


def add(commands):
    """The parser of `vc demo`."""
    parser = add_command(commands, "demo", _demo, help="serve a page to try everything on",
                         description="Serve the demo to this machine, or with --host to others, until Ctrl-C.")
    parser.add_argument("--host", type=nonempty, default=Settings.host, help="address to serve at; 0.0.0.0 for all "
                        "of this machine's (default: %(default)s, reached from this machine only)")
    parser.add_argument("--port", type=int, default=Settings.port, help="default: %(default)s")
    parser.add_argument("--auth", type=nonempty, metavar="USER:PASSWORD", help="ask visitors for these")
    parser.add_argument("--max-seconds", type=float, default=Settings.max_seconds, metavar="S",
                        help="longest recording taken (default: %(default)g)")
    parser.add_argument("--max-mb", type=int, default=Settings.max_mb, metavar="MB",
                        help="largest file taken (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=Settings.workers, metavar="N",
                        help="conversions at once, the others wait (default: %(default)s)")
    parser.add_argument("--library", action=argparse.BooleanOptionalAction, help="enrolled voices are those of `vc "
                        "voice`, not only the open page's (default: when only this machine can reach the page)")
    add_model_options(parser)


def _demo(options):
    library = options.host in LOOPBACK if options.library is None else options.library
    settings = Settings(options.host, options.port, parse_auth(options.auth) if options.auth else None,
                        options.max_seconds, options.max_mb, options.workers, library)
    from vc.demo.server import running

    try:
        with running(load_converter(options), settings) as address:
            print(f"{address}  (Ctrl-C ends it)", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        # What is still being converted has nobody to wait for it; torn down in the middle, torch would abort.
        os._exit(0)
