"""`vc search`: recordings found by who speaks in them or by what is said."""

import sys

from vc.commands.shared import add_command, add_device, add_model, complain, nonempty, positive


def add(commands):
    """The parser of `vc search`."""
    parser = add_command(commands, "search", _search, help="find recordings by voice or by words",
                         description="Print what in LIBRARY sounds like QUERY, best first, between tabs: rank, score, "
                         "path, start and end in seconds. The library's index is brought up to date first.")
    parser.add_argument("library", type=nonempty, metavar="LIBRARY", help="a folder of recordings")
    parser.add_argument("query", type=nonempty, metavar="QUERY",
                        help="a recording; left out where it lies in the library itself")
    parser.add_argument("--by", required=True, choices=("speaker", "content"),
                        help="who sounds like this, or where is this said")
    parser.add_argument("-n", "--results", type=positive, default=10, metavar="N", help="default: %(default)s")
    parser.add_argument("--index", type=nonempty, metavar="FILE",
                        help="where the index is kept (default: vc-index.safetensors in the library)")
    parser.add_argument("--renew", action="store_true", help="make the index anew")
    add_model(parser)
    add_device(parser)


def _search(options):
    from vc.audio import audio_info
    from vc.conversion import load
    from vc.data.store import table_cell
    from vc.search import Index

    audio_info(options.query)  # refused before the library is heard, not after
    index = Index(options.library, load(options.model, options.device), options.index, options.renew)
    failures = index.update()
    search = {"speaker": index.by_speaker, "content": index.by_content}[options.by]
    found = search(options.query, options.results)
    for rank, match in enumerate(found, start=1):
        print(f"{rank}\t{match.score:.3f}\t{table_cell(match.path)}\t{match.start_s:.2f}\t{match.end_s:.2f}")
    if not found:
        print(f"nothing was found in {options.library}: no other recording there holds enough speech", file=sys.stderr)
    for failure in failures:
        complain(failure)
    return 1 if failures else 0
