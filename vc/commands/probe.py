"""`vc probe`: what each half of the embedding knows."""

from vc.commands.shared import add_command, checked_output, nonempty
from vc.errors import DataError


def add(commands):
    """The parser of `vc probe`."""
    parser = add_command(commands, "probe", _probe, help="what each half of a model's embedding knows",
                         description="Train fresh probes on the frozen halves of some of the speech in DATA and judge "
                         "them on the rest.")
    parser.add_argument("model", nargs="?", type=nonempty, metavar="MODEL", help="default: the model in the package")
    parser.add_argument("--data", required=True, type=nonempty, metavar="DATA",
                        help="a folder that `vc prepare` made, or a table of recordings (path, speaker, text)")
    parser.add_argument("-o", "--output", type=nonempty, metavar="FILE", help="write the findings as JSON too")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    parser.add_argument("--only", nargs="+", metavar="PROBE",
                        help="a wrong name lists them (default: all that DATA allows)")
    parser.add_argument("--speakers", type=int, default=100, metavar="N",
                        help="draw so many speakers (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20, metavar="S",
                        help="and so much speech of each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="train the probes for moments only, to see it work")


def _probe(options):
    output = checked_output(options.output, options.force, DataError, [options.model, options.data])
    if output is not None and not output.parent.is_dir():
        raise DataError(f"{output}: its folder does not exist; make it first")
    from vc.checkpoint import load_model
    from vc.conversion import model_path
    from vc.probing.report import format_findings, save_findings
    from vc.probing.run import run_probes

    model, checkpoint = load_model(model_path(options.model))
    report = run_probes(model, options.data, options.only, options.speakers, options.seconds, options.seed,
                        options.quick)
    print(format_findings(report))
    if output is not None:
        save_findings(output, report.findings, checkpoint.fingerprint)
    if options.only and report.left_out:
        name, why = next(iter(report.left_out.items()))
        raise DataError(f"{options.data}: {name}: {why}")
    return 0
