"""Figures as text, and as a Markdown table: a row a system, a column a measure."""

from vc.evaluation.result import EVERYTHING

# The columns that a terminal and a README have room for; the report has all.
HEADLINE = ("cosine_to_target", "nearer_target", "equal_error_rate", "wer", "wer_above_vocoded",
            "f0_correlation", "dnsmos")
# Of a figure without a unit, and of a share of 1, three digits say what one says of a percentage.
_DECIMALS = {"%": 1, "points": 1, "dB": 1, "Hz": 1, "cents": 0}


def markdown(result, group=EVERYTHING, columns=None):
    """The table of one group of a Result. columns: names of measures, by default all that have a figure."""
    measures = [measure for measure in result.measures if columns is None or measure.name in columns]
    lines = ["| | " + " | ".join(map(title_with_unit, measures)) + " |", "|---|" + "---|" * len(measures)]
    present = {system.name: _present(result, system, group) for system in result.systems}
    for system in result.systems:
        figures = [result.figure(system.name, measure.name, group) for measure in measures]
        cells = [format_figure(figure, measure) for figure, measure in zip(figures, measures)]
        missing = max(present.values()) - present[system.name]
        title = system.title + (f" ({missing} pair{'s' * (missing > 1)} missing)" if missing else "")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def groups_of(result):
    """The groups that have a figure, all pairs first."""
    return list(dict.fromkeys([EVERYTHING, *sorted({figure.group for figure in result.figures})]))


def format_figure(figure, measure):
    """0.694 [0.681, 0.706], with as many decimals as the unit deserves, and a dash for None."""
    return cell(figure, decimals_of(measure.unit))


def decimals_of(unit):
    """How many decimals a figure of this unit is told with."""
    return _DECIMALS.get(unit, 3)


def cell(figure, decimals):
    """0.694 [0.681, 0.706], of a Figure or an Interval, 0.694 [-] of one without an interval, and a dash for None."""
    if figure is None:
        return "-"
    value, *ends = (rounded(number, decimals) for number in (figure.value, figure.low, figure.high)
                    if number is not None)
    return f"{value} [{', '.join(ends) or '-'}]"


def rounded(value, decimals):
    """0.694; nothing is negative that rounds to zero."""
    return f"{value:z.{decimals}f}"


def title_with_unit(measure):
    """"word error rate, %"; the unit is not said twice."""
    said = not measure.unit or measure.title.endswith(f", {measure.unit}")
    return measure.title if said else f"{measure.title}, {measure.unit}"


def _present(result, system, group):
    """How many pairs of a group a system has answered."""
    own = [figure.n for figure in result.figures if (figure.system, figure.group) == (system.name, group)]
    return max(own, default=0)
