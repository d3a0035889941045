"""Models side by side on the pairs that all of them answered.

Every figure is a mean over pairs of what the reports hold for each pair, so an error rate counts each sentence alike and
differs a little from the pooled one of a report. Differences are paired: the same source, said by the same target.
P is a number of pairs.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from vc.errors import EvaluationError
from vc.evaluation.page.tables import count, format_interval, format_number, title_with_unit
from vc.evaluation.result import Measure

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
    """A model minus the first, over pairs. p: of the sign-flip permutation test. p_holm: corrected for all that is
    shown. verdict: "better", "worse", "different" or "no clear difference"."""

    value: float
    low: float
    high: float
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
    """labels: the models, the first is what the others are compared with. pairs: how many all of them answered."""

    labels: list
    pairs: int
    rows: list

    @property
    def notes(self):
        """What one must know to read it."""
        return [
            f"Over the {count(self.pairs, 'pair')} that all answered, less those where one of them lacks the measure. "
            f"Values are means over pairs; differences are paired, against {self.labels[0]}.",
            f"In brackets: 95 % intervals, {RESAMPLES} bootstrap resamples of the pairs.",
            f"p: two-sided sign-flip permutation test of the mean difference, every choice of signs up to {EXACT_PAIRS} "
            f"pairs, {RESAMPLES} random ones above. Corrected after Holm (1979) over the "
            f"{sum(len(row.differences) for row in self.rows)} differences shown; a difference counts below {LEVEL:g}.",
            "Both take pairs as independent; pairs that share a speaker are not quite, so read what is close to the "
            "limit with care.",
        ]


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
    drafts = [draft for measure in _common_measures(results, names) if (draft := _draft(measure, contenders, keys))]
    if not drafts:
        raise EvaluationError("the reports have no measure in common that is known for a common pair; "
                              "evaluate the models with the same measures")
    return Comparison([contender.label for contender in contenders], len(keys), _with_differences(drafts))


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
    keys = [(pair.source, pair.source_speaker, pair.target_speaker, *pair.references, pair.text)
            for pair in result.pairs]
    return [Contender(name if len(models) == 1 else f"{name}, {system.title}",
                      {keys[item.pair]: item.values for item in result.items if item.system == system.name})
            for system in models]


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


def _draft(measure, contenders, keys):
    """(measure, float64 (models, P)), or None where no pair has the measure for all."""
    table = [[contender.values[key].get(measure.name) for contender in contenders] for key in keys]
    whole = [row for row in table if None not in row]
    return (measure, np.array(whole, float).T) if whole else None


def _with_differences(drafts):
    tests = [(measure, values - table[0]) for measure, table in drafts for values in table[1:]]
    p_values = [permutation_p(difference) for _, difference in tests]
    found = iter([_difference(measure, difference, p, p_holm)
                  for (measure, difference), p, p_holm in zip(tests, p_values, holm(p_values))])
    return [Row(measure, table.shape[1], table.mean(axis=1).tolist(), list(itertools.islice(found, len(table) - 1)))
            for measure, table in drafts]


def _difference(measure, difference, p, p_holm):
    mean = float(difference.mean())
    return Difference(mean, *bootstrap_interval(difference), p, p_holm, _verdict(measure, mean, p_holm))


def _verdict(measure, mean, p_holm):
    if p_holm >= LEVEL:
        return "no clear difference"
    if not measure.better:
        return "different"
    return "better" if (mean > 0) == (measure.better == "higher") else "worse"


def bootstrap_interval(differences, resamples=RESAMPLES, seed=0):
    """Ends of the percentile bootstrap's 95 % interval of the mean of `differences` (P,)."""
    drawn = np.random.default_rng(seed).integers(len(differences), size=(resamples, len(differences)))
    low, high = np.quantile(differences[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


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
