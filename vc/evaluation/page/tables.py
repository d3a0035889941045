"""Figures as text: the headline, the tables of systems by measures, what the measures are worth."""

from vc.evaluation.page.markup import element, joined
from vc.evaluation.page.svg import drawing, line, marker, scale_around
from vc.evaluation.table import decimals_of, rounded, title_with_unit

# What a report is opened for: the voice, and what is left of words and melody. Where none was taken, the first four.
HEADLINES = ("cosine_to_target", "nearer_target", "wer", "f0_correlation")
_WANTED = {"higher": "higher is better", "lower": "lower is better", "": "neither way is better"}
_ARROWS = {"higher": "↑", "lower": "↓", "": ""}


def format_number(value, unit):
    """0.694, and 35.2 in percent and the like, with a real minus sign."""
    return rounded(value, decimals_of(unit)).replace("-", "−")


def format_interval(low, high, unit):
    """[0.681, 0.706], and [–] where there is none."""
    return "[–]" if low is None else f"[{format_number(low, unit)}, {format_number(high, unit)}]"


def ends_of(figure):
    """Where a figure's whisker begins and ends; at its value where it has no interval."""
    return (figure.value, figure.value) if figure.low is None else (figure.low, figure.high)


def arrow(measure):
    """↑ where higher is better, ↓ where lower is."""
    return element("span", {"class": "arrow", "aria-label": _WANTED[measure.better]}, _ARROWS[measure.better])


def count(number, noun):
    """1 pair, 2 pairs"""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def in_order(systems):
    """The anchors, then the models."""
    return sorted(systems, key=lambda system: system.kind == "model")


def system_styles(systems):
    """{system name: (shape, CSS class)}; anchors are told from models by colour and from each other by shape too."""
    models = [system.name for system in systems if system.kind == "model"]
    anchors = [system.name for system in systems if system.kind != "model"]
    return ({name: (0, f"model{number % 2}") for number, name in enumerate(models)}
            | {name: (1 + number % 3, f"anchor{number % 6}") for number, name in enumerate(anchors)})


def headline_measures(measures):
    """Those of HEADLINES that were taken, else the first that have a better and a worse."""
    wanted = [measure for measure in measures if measure.name in HEADLINES]
    return wanted or [measure for measure in measures if measure.better][:len(HEADLINES)]


def headline(result):
    """What the model reaches in the most telling measures, with the anchors beside it."""
    tiles = [_tile(result, system, measure) for system in result.systems if system.kind == "model"
             for measure in headline_measures(result.measures) if result.figure(system.name, measure.name)]
    return element("div", {"class": "tiles"}, *tiles) if tiles else element("p", {}, "No model was measured.")


def _tile(result, system, measure):
    own, styles = result.figure(system.name, measure.name), system_styles(result.systems)
    others = [(other, result.figure(other.name, measure.name)) for other in result.systems if other.kind != "model"]
    others = [(other, figure) for other, figure in others if figure]
    low, high = ends_of(own)
    scale = scale_around([low, high, *(figure.value for _, figure in others)], margin=0.06)
    marks = [line(0, 50, 100, 50, "grid")]
    marks += [marker(styles[other.name][0], scale.share(figure.value), 50, styles[other.name][1],
                     f"{other.title}: {format_number(figure.value, measure.unit)}") for other, figure in others]
    marks += [line(scale.share(low), 50, scale.share(high), 50, f"whisker {styles[system.name][1]}"),
              marker(styles[system.name][0], scale.share(own.value), 50, styles[system.name][1], system.title)]
    beside = [element("li", {}, other.title, " ", element("b", {}, format_number(figure.value, measure.unit)))
              for other, figure in others]
    return element(
        "article", {"class": "tile"},
        element("h3", {}, measure.title, element("span", {"class": "wanted"}, _WANTED[measure.better])),
        element("p", {"class": "big"}, element("data", {"value": own.value}, format_number(own.value, measure.unit)),
                element("span", {"class": "unit"}, measure.unit)),
        element("p", {"class": "interval"}, format_interval(own.low, own.high, measure.unit)),
        drawing(f"{measure.title}: {system.title} among the anchors", "strip", *marks),
        element("ul", {"class": "beside"}, *beside))


def figure_table(result, group, caption):
    """The table of one group, in a box of its own that scrolls sideways; anchors and model in bodies apart."""
    present = {(figure.system, figure.measure) for figure in result.figures if figure.group == group}
    measures = [measure for measure in result.measures if any(name == measure.name for _, name in present)]
    heads = [element("th", {"scope": "col", "title": f"{_WANTED[measure.better]}. {measure.trust}"},
                     title_with_unit(measure), " ", arrow(measure)) for measure in measures]
    bodies = [_table_body(result, group, measures, kind, title)
              for kind, title in (("anchor", "Anchors"), ("model", "Model"))]
    table = element("table", {}, element("caption", {}, caption),
                    element("thead", {}, element("tr", {}, element("th", {"scope": "col"}, "System"), *heads)), *bodies)
    return scroll_box(caption, table)


def _table_body(result, group, measures, kind, title):
    rows = [element("tr", {}, element("th", {"scope": "row"}, system.title),
                    *(_cell(result.figure(system.name, measure.name, group), measure, group_size(result, group))
                      for measure in measures))
            for system in result.systems if system.kind == kind]
    head = element("tr", {"class": "kind"}, element("th", {"scope": "rowgroup", "colspan": len(measures) + 1}, title))
    return element("tbody", {"class": kind}, head, *rows) if rows else ""


def _cell(figure, measure, size):
    if figure is None:
        return element("td", {"class": "none"}, "–")
    missing = element("span", {"class": "interval"}, f"of {count(figure.n, 'pair')}") if figure.n < size else ""
    return element("td", {}, element("data", {"value": figure.value}, format_number(figure.value, measure.unit)),
                   element("span", {"class": "interval"}, format_interval(figure.low, figure.high, measure.unit)),
                   missing)


def group_size(result, group):
    """The most pairs that a figure of the group rests on."""
    return max((figure.n for figure in result.figures if figure.group == group), default=0)


def measure_legend(measures):
    """Every measure with its direction and how far it can be believed."""
    entries = [joined([element("dt", {}, title_with_unit(measure)),
                       element("dd", {}, element("span", {"class": "wanted"}, _WANTED[measure.better]), measure.trust)])
               for measure in measures]
    return element("dl", {"class": "legend"}, *entries)


def scroll_box(label, content):
    """A box that scrolls sideways by itself, with the keyboard too."""
    return element("div", {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": label}, content)
