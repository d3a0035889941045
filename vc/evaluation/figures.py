"""From items to figures: every measure of every system, over all pairs and over each group, with its interval."""

from vc.evaluation.intervals import ratio_of_sums
from vc.evaluation.result import EVERYTHING, Figure
from vc.evaluation.trials import equal_error_rate

EQUAL_ERROR_RATE = "equal_error_rate"
OTHER_COSINES = "other_cosines"  # beside the values of an item while it is measured, not kept in the report


def summarise(measures, items, other_cosines=None):
    """Figures of every measure that was taken; a cell without a number has none.

    other_cosines: {(pair, system): the answer's cosines to the other target speakers}, for the equal error rate.
    """
    cells = {}
    for item in items:
        for group in (EVERYTHING, *item.groups):
            cells.setdefault((item.system, group), []).append(item)
    figures = []
    for (system, group), members in cells.items():
        for measure in measures:
            interval, n = _figure(measure, members, other_cosines or {})
            if interval:
                figures.append(Figure(system, group, measure.name, interval.value, interval.low, interval.high, n))
    return figures


def _figure(measure, items, other_cosines):
    """(Interval or None, how many items it rests on)."""
    if measure.name == EQUAL_ERROR_RATE:
        tried = [item for item in items if other_cosines.get((item.pair, item.system))]
        interval = equal_error_rate([item.values["cosine_to_target"] for item in tried],
                                    [other_cosines[item.pair, item.system] for item in tried]) if tried else None
        return interval.times(100) if interval else None, len(tried)
    used = [item for item in items if item.values.get(measure.name) is not None]
    weights = [item.values[measure.weight] if measure.weight else 1 for item in used]
    weighted = [item.values[measure.name] * weight for item, weight in zip(used, weights)]
    return ratio_of_sums(weighted, weights), len(used)
