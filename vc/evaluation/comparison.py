"""Models side by side on the pairs that all of them answered.

Every figure is a mean over pairs, weighted as the measure asks, so an error rate is pooled over words as in a report.
Differences are paired: the same source, said by the same target. P is a number of pairs, K of models.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from vc.errors import EvaluationError
from vc.evaluation.clusters import of_pairs
from vc.evaluation.intervals import FEWEST, Interval, percentiles, resampled_counts, sides_of
from vc.evaluation.page.tables import count, format_interval, format_number
from vc.evaluation.result import Measure
from vc.evaluation.table import title_with_unit

RESAMPLES = 10000
LEVEL = 0.05
# Up to this many pairs every choice of signs is tried, 16384 of them; above, RESAMPLES are drawn.
EXACT_PAIRS = 14


@dataclass(frozen=True)
class Contender:
    """A model of a report. label: what it is called here. values: {pair key: {measure: number or None}}."""

    label: str
    values: dict


@dataclass(frozen=True)
class Difference:
    """A model minus the first, over pairs. low, high: of its 95 % interval, None where there is none. p: of the
    sign-flip permutation test. p_holm: corrected for all that is shown. verdict: "better", "worse", "different" or "no
    clear difference"."""

    value: float
    low: float | None
    high: float | None
    p: float
    p_holm: float
    verdict: str


@dataclass(frozen=True)
class Row:
    """One measure over the `pairs` pairs where all models have it. values: a mean for each model. differences: a
    Difference for each model but the first."""

    measure: Measure
    pairs: int
    values: list
    differences: list


@dataclass(frozen=True)
class Comparison:
    """labels: the models, the first is what the others are compared with. pairs: how many all of them answered.
    left_out: titles of measures that no pair has for all of them."""

    labels: list
    pairs: int
    rows: list
    left_out: list

    @property
    def notes(self):
        """What one must know to read it."""
        tests = sum(len(row.differences) for row in self.rows)
        notes = [
            f"Over the {count(self.pairs, 'pair')} that all answered, less those where one of them lacks the measure. "
            f"Values are means over pairs, error rates pooled; differences are paired, against {self.labels[0]}.",
            f"In brackets: 95 % intervals. Speakers are drawn anew, a pair counts by how often both of its were "
            f"(pigeonhole bootstrap, Owen 2007), {RESAMPLES} times, and of few speakers more than the middle 95 % "
            "count (Hesterberg 2015): for other speakers like these. None where a side has two to "
            f"{FEWEST - 1} speakers, nor of shares that differ in no pair.",
            f"p: two-sided sign-flip permutation test of the mean difference, every choice of signs up to "
            f"{EXACT_PAIRS} pairs, {RESAMPLES} random ones above. Corrected after Holm (1979) over the "
            f"{count(tests, 'difference')} shown; a difference counts below {LEVEL:g}. That takes at least "
            f"{count(fewest_pairs(tests), 'pair')}: with fewer nothing can count, wherever 0 lies.",
            "The test takes pairs as independent. Where speakers matter to a difference, it finds too many: one whose "
            "interval holds 0 may be of these speakers alone.",
        ]
        if self.left_out:
            notes.append(f"No value for each pair, so not compared: {', '.join(self.left_out)}.")
        return notes


def compare(results, names):
    """A Comparison of the models in Results; names: what each Result is called where its model has no name of its own.

    Raises EvaluationError where there is nothing that all of them were asked or measured.
    """
    contenders = [contender for result, name in zip(results, _distinct(results, names), strict=True)
                  for contender in _contenders(result, name)]
    keys = [key for key in contenders[0].values if all(key in other.values for other in contenders[1:])]
    if not keys:
        raise EvaluationError("the reports have no pair in common, expected the same sources, references and texts; "
                              "evaluate the models with one list of pairs")
    common = _common_measures(results, names)
    asked = {_key(pair): pair for pair in results[0].pairs}
    tables = {measure.name: _table(measure, contenders, keys, asked) for measure in common}
    measures = [measure for measure in common if tables[measure.name] is not None]
    if not measures:
        raise EvaluationError("the reports have no measure in common that is known for a common pair; "
                              "evaluate the models with the same measures")
    return Comparison([contender.label for contender in contenders], len(keys),
                      _rows(measures, [tables[measure.name] for measure in measures]),
                      [measure.title for measure in common if tables[measure.name] is None])


def _distinct(results, names):
    """Names of the models where all differ, else of the reports, else with a number after each."""
    models = [str(result.model.get("name") or name) for result, name in zip(results, names)]
    for labels in (models, list(names)):
        if len(set(labels)) == len(labels):
            return labels
    return [f"{name} ({number})" for number, name in enumerate(names, start=1)]


def _contenders(result, name):
    models = [system for system in result.systems if system.kind == "model"]
    if not models:
        raise EvaluationError(f"{name}: a report without a model, only anchors; evaluate a model")
    keys = [_key(pair) for pair in result.pairs]
    return [Contender(name if len(models) == 1 else f"{name}, {system.title}",
                      {keys[item.pair]: item.values for item in result.items if item.system == system.name})
            for system in models]


def _key(pair):
    """Equal for pairs of which the same was asked."""
    return pair.source, pair.source_speaker, pair.target_speaker, *pair.references, pair.text


def _common_measures(results, names):
    """The Measures of the first report that all others have. Raises EvaluationError where units differ."""
    units = [{measure.name: measure.unit for measure in result.measures} for result in results]
    common = [measure for measure in results[0].measures if all(measure.name in own for own in units)]
    for measure in common:
        for own, name in zip(units, names):
            if own[measure.name] != measure.unit:
                raise EvaluationError(f"{measure.name} is in {own[measure.name]!r} in {name} and in {measure.unit!r} "
                                      f"in {names[0]}; evaluate both with the same version")
    return common


def _table(measure, contenders, keys, asked):
    """(values, weights, clusters), float64 (K, P) the first two; None where no pair has the measure for all."""
    values = [[contender.values[key].get(measure.name) for contender in contenders] for key in keys]
    weights = [[contender.values[key].get(measure.weight) if measure.weight else 1 for contender in contenders]
               for key in keys]
    # A weight of 0 or none is a pair that says nothing, for instance one without words.
    whole = [number for number in range(len(keys)) if None not in values[number] and all(weights[number])]
    if not whole:
        return None
    values, weights = (np.array([part[number] for number in whole], float).T for part in (values, weights))
    return values, weights, of_pairs([asked[keys[number]] for number in whole])


def _rows(measures, tables):
    tests = [(measure, values[[0, number]], weights[[0, number]], clusters) for measure, (values, weights, clusters)
             in zip(measures, tables) for number in range(1, len(values))]
    p_values = [permutation_p(shares[1] - shares[0]) for _, *test, _ in tests for shares in [_shares(*test)]]
    found = iter([_difference(*test, p, p_holm) for test, p, p_holm in zip(tests, p_values, holm(p_values))])
    return [Row(measure, values.shape[1], pooled(values, weights).tolist(),
                list(itertools.islice(found, len(values) - 1)))
            for measure, (values, weights, _) in zip(measures, tables)]


def pooled(values, weights):
    """Weighted means of values (..., P): (...)."""
    return (values * weights).sum(axis=-1) / weights.sum(axis=-1)


def _shares(values, weights):
    """What each pair adds to the pooled mean, times P: (K, P) -> (K, P)."""
    return values * weights / weights.mean(axis=-1, keepdims=True)


def _difference(measure, values, weights, clusters, p, p_holm):
    found = bootstrap_interval(values, weights, clusters)
    if measure.share and found.low == found.high:
        found = Interval(found.value, None, None)
    return Difference(found.value, found.low, found.high, p, p_holm, _verdict(measure, found.value, p_holm))


def _verdict(measure, mean, p_holm):
    if p_holm >= LEVEL:
        return "no clear difference"
    if not measure.better:
        return "different"
    return "better" if (mean > 0) == (measure.better == "higher") else "worse"


def bootstrap_interval(values, weights, clusters=(), resamples=RESAMPLES, seed=0):
    """The second pooled mean less the first as an Interval; both (2, P). clusters: see vc.evaluation.intervals."""
    sides = sides_of(clusters, values.shape[1])
    counts = resampled_counts(sides, resamples, seed)
    counts = counts[counts.any(axis=1)]
    (first, other), drawn = pooled(values, weights), counts @ (values * weights).T / (counts @ weights.T)
    return percentiles(other - first, drawn[:, 1] - drawn[:, 0], sides)


def fewest_pairs(tests):
    """With how many pairs the least p there is, 2 of all choices of signs, stays below LEVEL after `holm`."""
    return math.floor(math.log2(2 * tests / LEVEL)) + 1


def permutation_p(differences, resamples=RESAMPLES, seed=0):
    """Two-sided p of the mean of paired differences (P,) under random signs.

    If the models were alike, each difference could as well have the other sign: p is the share of choices of signs
    whose mean is as far from 0 as the one seen. Drawn choices count the one seen among them, so p is never 0.
    """
    pairs = len(differences)
    seen = abs(differences.sum())
    as_far = seen * (1 - 1e-9)  # the order of summing must not decide between equals
    if pairs <= EXACT_PAIRS:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=pairs)))
        return float((np.abs(signs @ differences) >= as_far).mean())
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(resamples, pairs))
    return float(((np.abs(signs @ differences) >= as_far).sum() + 1) / (resamples + 1))


def holm(p_values):
    """p-values corrected for being looked at together, in their order (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda number: p_values[number])
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, number in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[number]))
        corrected[number] = highest
    return corrected


def format_p(difference):
    """p = 0.012, after Holm 0.036"""
    plain, corrected = ("< 0.001" if p < 0.001 else f"= {p:.3f}" for p in (difference.p, difference.p_holm))
    return f"p {plain}, after Holm {corrected.removeprefix('= ')}"


def markdown(comparison):
    """The comparison as a Markdown table with its notes: a column a model, then a column a difference."""
    first, *others = comparison.labels
    heads = ["", *comparison.labels, *(f"{other} − {first}" for other in others), "pairs"]
    lines = ["| " + " | ".join(_plain(head) for head in heads) + " |", "|---" * len(heads) + "|"]
    for row in comparison.rows:
        unit = row.measure.unit
        wanted = f" ({row.measure.better} is better)" if row.measure.better else ""
        cells = [_plain(title_with_unit(row.measure)) + wanted, *(format_number(value, unit) for value in row.values),
                 *(_difference_text(difference, unit) for difference in row.differences), str(row.pairs)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *(f"- {_plain(note)}" for note in comparison.notes)]) + "\n"


def _difference_text(difference, unit):
    return (f"{format_number(difference.value, unit)} {format_interval(difference.low, difference.high, unit)}, "
            f"{format_p(difference)}: {difference.verdict}")


def _plain(text):
    """Names come from outside: nothing in them may end a cell or begin a tag."""
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").split())
