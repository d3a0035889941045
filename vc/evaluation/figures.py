"""From items to figures: every measure of every system, over all pairs and over each group, with its interval."""

from vc.evaluation.clusters import of_pairs
from vc.evaluation.intervals import ratio_of_sums, share
from vc.evaluation.result import EVERYTHING, Figure
from vc.evaluation.trials import equal_error_rate

EQUAL_ERROR_RATE = "equal_error_rate"
OTHER_COSINES = "other_cosines"  # beside the values of an item while it is measured, not kept in the report


def summarise(measures, items, pairs, other_cosines=None):
    """Figures of every measure that was taken; a cell without a number has none.

    pairs: what Item.pair numbers; their speakers are what intervals are resampled by. other_cosines: {(pair, system):
    the answer's cosines to the other target speakers}, for the equal error rate.
    """
    cells = {}
    for item in items:
        for group in (EVERYTHING, *item.groups):
            cells.setdefault((item.system, group), []).append(item)
    figures = []
    for (system, group), members in cells.items():
        for measure in measures:
            interval, n = _figure(measure, members, pairs, other_cosines or {})
            if interval:
                figures.append(Figure(system, group, measure.name, interval.value, interval.low, interval.high, n))
    return figures


def _figure(measure, items, pairs, other_cosines):
    """(Interval or None, how many items it rests on)."""
    if measure.name == EQUAL_ERROR_RATE:
        tried = [item for item in items if other_cosines.get((item.pair, item.system))]
        interval = equal_error_rate([item.values["cosine_to_target"] for item in tried],
                                    [other_cosines[item.pair, item.system] for item in tried],
                                    _clusters(tried, pairs)) if tried else None
        return interval.times(100) if interval else None, len(tried)
    used = [item for item in items if item.values.get(measure.name) is not None]
    values = [item.values[measure.name] for item in used]
    if measure.share:
        interval = share([value / 100 for value in values], _clusters(used, pairs))
        return interval.times(100) if interval else None, len(used)
    weights = [item.values[measure.weight] if measure.weight else 1 for item in used]
    weighted = [value * weight for value, weight in zip(values, weights)]
    return ratio_of_sums(weighted, weights, _clusters(used, pairs)), len(used)


def _clusters(items, pairs):
    return of_pairs([pairs[item.pair] for item in items])
