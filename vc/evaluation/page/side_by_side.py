"""The page of a comparison."""

from vc.evaluation.comparison import format_p
from vc.evaluation.page.document import document
from vc.evaluation.page.markup import element, joined
from vc.evaluation.page.plots import TONES, difference_bars
from vc.evaluation.page.tables import arrow, count, format_interval, format_number, measure_legend, scroll_box
from vc.evaluation.table import title_with_unit


def comparison_page(comparison):
    """The page of a Comparison, as str."""
    first, *others = comparison.labels
    plots = [difference_bars(f"{other} against {first}",
                             [(row.measure, row.differences[number]) for row in comparison.rows])
             for number, other in enumerate(others)]
    sections = {
        "Side by side": _table(comparison),
        "Differences": joined(plots),
        "Notes": element("ul", {}, *(element("li", {}, note) for note in comparison.notes)),
        "Measures": element("div", {"class": "card"}, measure_legend([row.measure for row in comparison.rows])),
    }
    return document(f"{' and '.join(others)} beside {first}", sections, {"pairs": comparison.pairs})


def _table(comparison):
    first, *others = comparison.labels
    heads = ["Measure", *comparison.labels, *(f"{other} − {first}" for other in others), "Pairs"]
    rows = [element("tr", {}, element("th", {"scope": "row"}, title_with_unit(row.measure), " ", arrow(row.measure)),
                    *(_value(value, row.measure.unit) for value in row.values),
                    *(_difference(difference, row.measure.unit) for difference in row.differences),
                    element("td", {}, row.pairs)) for row in comparison.rows]
    caption = f"Means over {count(comparison.pairs, 'pair')}"
    table = element("table", {}, element("caption", {}, caption),
                    element("thead", {}, element("tr", {}, *(element("th", {"scope": "col"}, head) for head in heads))),
                    element("tbody", {}, *rows))
    return scroll_box(caption, table)


def _value(value, unit):
    return element("td", {}, element("data", {"value": value}, format_number(value, unit)))


def _difference(difference, unit):
    lines = format_interval(difference.low, difference.high, unit), format_p(difference)
    return element("td", {}, element("data", {"value": difference.value}, format_number(difference.value, unit)),
                   *(element("span", {"class": "interval"}, text) for text in lines),
                   element("span", {"class": f"verdict {TONES.get(difference.verdict, '')}"}, difference.verdict))
