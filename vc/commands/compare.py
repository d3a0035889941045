"""`vc compare`: evaluated models side by side."""

from pathlib import Path

from vc.commands.shared import add_command, checked_output, nonempty
from vc.errors import EvaluationError


def add(commands):
    """The parser of `vc compare`."""
    parser = add_command(commands, "compare", _compare, tail="others", help="put evaluated models side by side",
                         description="Print the differences between the models of several reports, on the pairs that "
                         "they share, as a Markdown table.")
    parser.add_argument("first", type=nonempty, metavar="REPORT", help="a folder that `vc evaluate` wrote; what "
                        "the others are compared with")
    parser.add_argument("others", nargs="+", type=nonempty, metavar="REPORT", help="one or several more")
    parser.add_argument("-o", "--output", type=nonempty, metavar="FILE.html", help="write a page too")
    parser.add_argument("--force", action="store_true", help="replace the page if it exists")


def _compare(options):
    from vc.evaluation.comparison import compare, markdown
    from vc.evaluation.result import load_result

    output = checked_output(options.output, options.force, EvaluationError)
    if output is not None and output.suffix.lower() != ".html":
        raise EvaluationError(f"{output}: a page is HTML, expected a name that ends in .html")
    paths = [options.first, *options.others]
    comparison = compare([load_result(path) for path in paths], [_name(path) for path in paths])
    if output is not None:
        from vc.evaluation.page.side_by_side import comparison_page
        from vc.files import write_atomically

        write_atomically(output, comparison_page(comparison))
    print(markdown(comparison), end="")
    return 0


def _name(path):
    """What a report is called where its model has no name: its folder."""
    path = Path(path).resolve()
    return path.parent.name if path.is_file() else path.name
