"""`vc evaluate`: how well a model converts, measured over a list of pairs and beside anchors."""

from pathlib import Path

from vc.commands.shared import add_command, add_device, add_vocoder, complain, nonempty, positive


def add(commands):
    """The parser of `vc evaluate`."""
    parser = add_command(commands, "evaluate", _evaluate, help="measure how well a model converts",
                         description="Convert a list of pairs, measure the results beside anchors, write a report.")
    parser.add_argument("model", nargs="?", type=_path, metavar="MODEL", help="default: the model in the package")
    parser.add_argument("--pairs", required=True, type=_path, metavar="TSV", help="columns: source, source_speaker, "
                        "target_speaker, references, text; recipes/evaluate makes such a list")
    parser.add_argument("-o", "--output", required=True, type=_path, metavar="REPORT", help="folder for the report")
    parser.add_argument("--manifest", type=_path, metavar="TSV", help="table (path, speaker, text) with other "
                        "recordings of the target speakers (default: manifest.tsv beside the pairs)")
    parser.add_argument("--limit", type=positive, metavar="N", help="only so many pairs, evenly from the list")
    parser.add_argument("--keep", action="store_true", help="keep sounds of some pairs to listen to")
    parser.add_argument("--workers", type=positive, metavar="N", help="processes (default: one a processor)")
    parser.add_argument("--cache", type=_path, metavar="DIR", help="folder for what was made and measured; evaluations "
                        "that share one share the anchors (default: REPORT/cache)")
    parser.add_argument("--pca-data", type=_path, metavar="DATA", help="a corpus that `vc prepare` made, for the "
                        "anchor of principal components (default: the list's own recordings)")
    parser.add_argument("--force", action="store_true", help="make all sounds anew")
    parser.add_argument("--probes", type=_path, metavar="JSON",
                        help="what `vc probe` wrote of this model, for the page")
    parser.add_argument("--unrefined", action="store_true", help="judge what the two halves say by themselves, without "
                        "what recordings tell beyond them, as vc.load(refined=False) does")
    add_vocoder(parser)
    add_device(parser)


def _path(text):
    return Path(nonempty(text))


def _evaluate(options):
    from vc.evaluation.page import PAGE_NAME
    from vc.evaluation.result import FILE_NAME
    from vc.evaluation.run import Request, evaluate
    from vc.evaluation.table import HEADLINE, markdown

    found = evaluate(Request(options.pairs, options.output, options.model, options.manifest, options.device,
                             options.vocoder, options.workers, options.limit, options.cache, options.pca_data,
                             options.keep, options.force, options.probes, not options.unrefined))
    print(markdown(found, columns=HEADLINE), end="")
    print(f"{options.output / FILE_NAME}: {len(found.pairs)} pairs; to look at: {options.output / PAGE_NAME}")
    for failure in found.failures:
        complain(failure)
    return 1 if found.failures else 0
