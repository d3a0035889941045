"""`vc check`: whether a recording is something that the model knows."""

import sys

from vc.commands.shared import add_command, add_device, add_model, complain, nonempty
from vc.errors import VcError


def add(commands):
    """The parser of `vc check`."""
    parser = add_command(commands, "check", _check, tail="files", help="tell speech that the model knows from the rest",
                         description="Let the model rebuild each FILE and print, between tabs: path, score and verdict "
                         "(familiar, strange, silent, or - without a calibration). The more it errs, the higher the "
                         "score. The threshold is the one that costs least.")
    parser.add_argument("files", nargs="+", type=nonempty, metavar="FILE", help="a recording")
    parser.add_argument("--cost-miss", type=float, default=1.0, metavar="C",
                        help="what it costs to take something strange for speech (default: %(default)g)")
    parser.add_argument("--cost-false-alarm", type=float, default=1.0, metavar="C",
                        help="what it costs to take speech for something strange (default: %(default)g)")
    parser.add_argument("--share", type=float, default=0.5, metavar="P",
                        help="share of strange files that you expect (default: %(default)g)")
    parser.add_argument("--calibration", type=nonempty, metavar="JSON", help="scores that recipes/check collected "
                        "with this model (default: MODEL.check.json beside the model)")
    add_model(parser)
    add_device(parser)


def _check(options):
    from vc.calibration import CostTable
    from vc.conversion import load
    from vc.data.store import table_cell
    from vc.familiarity import strangeness

    costs = CostTable(options.cost_miss, options.cost_false_alarm, options.share)
    converter = load(options.model, options.device)
    calibration = _calibration(options, converter)
    threshold = calibration.threshold(costs) if calibration else None
    if calibration:
        print(f"vc: strange from a score of {threshold:.3f}", file=sys.stderr)
    failed = 0
    for path in options.files:
        try:
            found = strangeness(converter, path)
        except VcError as error:
            if options.debug:
                raise
            complain(error)
            failed += 1
        else:
            score = "-" if found is None else f"{found.score:.3f}"
            print(f"{table_cell(path)}\t{score}\t{_verdict(found, threshold)}", flush=True)
    return 1 if failed else 0


def _calibration(options, converter):
    """The one asked for, the one beside the model, or None. Raises CheckError for one asked for that does not fit."""
    from vc.calibration import calibration_beside, load_calibration
    from vc.conversion import model_path
    from vc.errors import CheckError

    if options.calibration:
        return load_calibration(options.calibration, converter)
    try:
        return load_calibration(calibration_beside(model_path(options.model)), converter)
    except CheckError as error:
        print(f"vc: no verdicts: {error}", file=sys.stderr)
        return None


def _verdict(found, threshold):
    if found is None:
        return "silent"
    if threshold is None:
        return "-"
    return "strange" if found.score >= threshold else "familiar"
