"""The plots of a report."""

from vc.evaluation.page.markup import element, joined
from vc.evaluation.page.svg import Scale, axes, box, drawing, key, line, marker, rounded_scale, scale_around
from vc.evaluation.page.tables import (arrow, count, ends_of, format_interval, format_number, group_size, in_order,
                                       system_styles)
from vc.evaluation.result import EVERYTHING
from vc.evaluation.table import groups_of, title_with_unit

TO_SOURCE, TO_TARGET, WORD_ERRORS = "cosine_to_source", "cosine_to_target", "wer"
COLOURS = 8
# Parts of a whole; other units reach as far as what was found. Below 0, R2 only says that a probe misleads.
PROBE_SCALES = {"%": Scale(0, 100), "accuracy": Scale(0, 1), "R2": Scale(0, 1)}
TONES = {"better": "good", "worse": "bad"}
HALVES = {"content": "Content half", "speaker": "Speaker half"}


def similarity_plot(result):
    """Each answer by its similarity to the source and to the target; None where these were not measured."""
    answers = [(item, item.values.get(TO_SOURCE), item.values.get(TO_TARGET)) for system in in_order(result.systems)
               for item in result.items if item.system == system.name]
    answers = [answer for answer in answers if None not in answer]
    if not answers:
        return None
    titles = {measure.name: measure.title for measure in result.measures}
    across, up = (scale_around([answer[part] for answer in answers]) for part in (1, 2))
    styles = system_styles(result.systems)
    marks = [marker(styles[item.system][0], across.share(x), 100 - up.share(y), styles[item.system][1],
                    f"{result.pairs[item.pair].name}: {x:.3f} to source, {y:.3f} to target") for item, x, y in answers]
    picture = drawing("Similarity to the source against similarity to the target", "plot",
                      axes(across, up, titles.get(TO_SOURCE, TO_SOURCE), titles.get(TO_TARGET, TO_TARGET)),
                      _as_near_to_both(across, up), *marks)
    shown = {item.system for item, _, _ in answers}
    return _figure("Similarity to source and to target",
                   "One mark an answer. Above the line of dashes, a voice is nearer to the target than to the source.",
                   picture, element("ul", {"class": "keys"}, *_system_keys(result, shown)))


def _as_near_to_both(across, up):
    low, high = max(across.low, up.low), min(across.high, up.high)
    if low >= high:
        return ""
    return line(across.share(low), 100 - up.share(low), across.share(high), 100 - up.share(high), "equal")


def group_bars(result, name=WORD_ERRORS):
    """A measure by group, a bar a system; None where it was not measured."""
    measure = next((measure for measure in result.measures if measure.name == name), None)
    figures = [figure for figure in result.figures if figure.measure == name]
    if measure is None or not figures:
        return None
    scale, styles = rounded_scale([end for figure in figures for end in ends_of(figure)]), system_styles(result.systems)
    panels = []
    for group in groups_of(result):
        found = [(system, result.figure(system.name, name, group)) for system in in_order(result.systems)]
        rows = [bar(system.title, figure.value, figure.low, figure.high, measure.unit, scale, styles[system.name][1])
                for system, figure in found if figure]
        head = element("h4", {}, group_title(group), element("span", {}, count(group_size(result, group), "pair")))
        panels.append(element("div", {"class": "panel"}, head, *rows) if rows else "")
    return _figure(f"{measure.title[0].upper()}{measure.title[1:]} by group",
                   f"In {measure.unit}, with 95 % intervals. {measure.trust}" if measure.unit else measure.trust,
                   element("div", {"class": "panels"}, *panels))


def group_title(group):
    """A heading for a group."""
    return "All pairs" if group == EVERYTHING else f"{group[0].upper()}{group[1:]}"


def bar(label, value, low, high, unit, scale, css_class, chance=None):
    """A row of a bar chart: label, bar with its interval, figure. chance: where guessing would stand, or None."""
    zero = scale.share(0)
    end = scale.share(value)
    parts = [box(min(zero, end), 18, abs(end - zero), 64, f"bar {css_class}")]
    if low is not None:
        parts += [line(scale.share(low), 50, scale.share(high), 50, "whisker ink"),
                  line(scale.share(low), 32, scale.share(low), 68, "whisker ink"),
                  line(scale.share(high), 32, scale.share(high), 68, "whisker ink")]
    figure = joined([element("data", {"value": value}, format_number(value, unit)),
                     element("span", {"class": "interval"}, format_interval(low, high, unit))])
    if chance is not None:
        parts.append(line(scale.share(chance), 0, scale.share(chance), 100, "chance"))
        figure = joined([figure, element("span", {"class": "interval"}, f"chance {format_number(chance, unit)}")])
    return _row(label, parts, figure)


def _row(label, parts, figure, css_class=""):
    return element("div", {"class": "bar-row"}, element("div", {"class": "bar-label"}, label),
                   element("svg", {"class": f"track {css_class}", "aria-hidden": "true"}, *parts),
                   element("div", {"class": "bar-value"}, figure))


def difference_bars(title, differences):
    """Differences of one model with their intervals, each on a scale of its own with 0 in the middle.

    differences: list of (Measure, Difference).
    """
    rows = []
    for measure, difference in differences:
        low, high = ends_of(difference)
        reach = 1.1 * max(abs(low), abs(high), abs(difference.value)) or 1.0
        scale = Scale(-reach, reach)
        parts = [line(50, 0, 50, 100, "zero"),
                 line(scale.share(low), 50, scale.share(high), 50, "whisker"),
                 marker(0, scale.share(difference.value), 50, "", title)]
        tone = TONES.get(difference.verdict, "soft")
        figure = joined([element("data", {"value": difference.value}, format_number(difference.value, measure.unit)),
                         element("span", {"class": "interval"},
                                 format_interval(difference.low, difference.high, measure.unit))])
        label = joined([title_with_unit(measure), " ", arrow(measure)])
        rows.append(_row(label, parts, figure, f"free {tone}"))
    return _figure(title, "Differences with 95 % intervals, each on a scale of its own; the line in the middle is no "
                   "difference. Green is better, red is worse, grey is not clear.", *rows)


def half_maps(points):
    """A map for each half, points coloured by speaker; None without points."""
    if not points:
        return None
    styles = {speaker: (number // COLOURS, f"colour{number % COLOURS}")
              for number, speaker in enumerate(sorted({point.speaker for point in points}))}
    maps = [_half_map(title, [point for point in points if point.half == half], styles)
            for half, title in HALVES.items()]
    keys = [key(shape, colour, speaker) for speaker, (shape, colour) in styles.items()]
    return _figure("Maps of the halves", "One mark a recording, one colour and shape a speaker; axes have no unit. "
                   "Where the halves are apart, speakers form islands in the speaker half and mingle in the content "
                   "half.", element("div", {"class": "pair-of-maps"}, *maps), element("ul", {"class": "keys"}, *keys))


def _half_map(title, points, styles):
    across, up = (scale_around([getattr(point, axis) for point in points]) for axis in "xy")
    marks = [marker(styles[point.speaker][0], across.share(point.x), 100 - up.share(point.y),
                    styles[point.speaker][1], point.speaker) for point in points]
    description = f"{title}: {count(len(points), 'recording')} in two dimensions"
    return element("div", {}, element("h4", {}, title), drawing(description, "map", *marks))


def probe_bars(probes):
    """What fresh probes read from each half, with the line of guessing; None without probes."""
    if not probes:
        return None
    scales = {unit: _probe_scale(unit, [probe for probe in probes.values() if probe["unit"] == unit])
              for unit in {probe["unit"] for probe in probes.values()}}
    panels = []
    for half, title in HALVES.items():
        rows = [bar(_probe_label(probe), probe["value"], probe["low"], probe["high"], probe["unit"],
                    scales[probe["unit"]], half, probe["chance"])
                for probe in probes.values() if probe["half"] == half]
        panels.append(element("div", {"class": "panel"}, element("h4", {}, title), *rows) if rows else "")
    return _figure("What can be read from each half", "Fresh probes on frozen halves, with 95 % intervals; the line of "
                   "dashes is chance: the farther from it, the more a half tells. The content half should not tell who "
                   "speaks, nor the speaker half what is said.",
                   element("div", {"class": "panels"}, *panels))


def _probe_label(probe):
    unit = f", {probe['unit']}" if probe["unit"] else ""
    return joined([probe["title"], unit, element("span", {"class": "interval"}, f"n = {probe['n']}")])


def _probe_scale(unit, probes):
    found = [probe[end] for probe in probes for end in ("value", "low", "high", "chance") if probe[end] is not None]
    return PROBE_SCALES.get(unit) or rounded_scale(found)


def _system_keys(result, shown):
    styles = system_styles(result.systems)
    return [key(*styles[system.name], system.title) for system in in_order(result.systems)
            if system.name in shown]


def _figure(title, explanation, *parts):
    return element("figure", {"class": "card"},
                   element("figcaption", {}, element("h3", {}, title), element("p", {}, explanation)), *parts)
