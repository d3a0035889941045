"""The equal error rate of "is this the target?": where as many true claims are refused as false ones are believed."""

import numpy as np

from vc.evaluation.intervals import Interval, percentiles, resampled_counts, sides_of

RESAMPLES = 1000
PARTS = 40  # in which they are taken, each of them of many trials


def equal_error_rate(true_scores, false_scores, clusters=()):
    """Over pairs, with its bootstrap Interval; None without a false trial. In [0, 1].

    true_scores: (P,), of each answer with its target. false_scores: for each answer those with the other targets, a
    list of P lists. clusters: see vc.evaluation.intervals. A resampled pair brings its true trial and all its false
    ones: against whom an answer is held stays. There is no interval where no resample errs differently.
    """
    scores = np.concatenate([np.asarray(true_scores, float), *(np.asarray(one, float) for one in false_scores)])
    pairs = len(true_scores)
    if len(scores) == pairs:
        return None
    pair_of = np.concatenate([np.arange(pairs), np.repeat(np.arange(pairs), [len(one) for one in false_scores])])
    is_true = np.arange(len(scores)) < pairs
    sides = sides_of(clusters, pairs)
    counts = resampled_counts(sides, RESAMPLES)
    # A resample that drew no pair with a false trial says nothing.
    counts = counts[counts @ [len(one) > 0 for one in false_scores] > 0]
    value = _rates(scores, pair_of, is_true, np.ones((1, pairs)))[0]
    rates = np.concatenate([_rates(scores, pair_of, is_true, part) for part in np.array_split(counts, PARTS)])
    if np.ptp(rates) == 0:
        return Interval(float(value), None, None)
    return percentiles(value, rates, sides)


def _rates(scores, pair_of, is_true, counts):
    """Equal error rate of each row of `counts` (R, P), how often each pair takes part: (R,). Each has a false trial."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    # A threshold lies above each distinct score, since equal scores cannot be told apart; and one below them all.
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    weights = counts[:, pair_of[order]]
    true = np.cumsum(weights * is_true[order], axis=1)
    false = np.cumsum(weights * ~is_true[order], axis=1)
    refused = _from_zero(true[:, last] / true[:, -1:])
    believed = 1 - _from_zero(false[:, last] / false[:, -1:])
    # Between the last threshold that refuses too few and the first that refuses too many, both errors are joined by a
    # line, and the rate is where the lines cross.
    after = np.argmax(refused >= believed, axis=1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(len(counts))
    gap_before, gap_after = (believed[rows, i] - refused[rows, i] for i in (before, after))
    steep = gap_before - gap_after
    share = np.divide(gap_before, steep, out=np.zeros_like(steep), where=steep > 0)
    return refused[rows, before] + share * (refused[rows, after] - refused[rows, before])


def _from_zero(rates):
    return np.concatenate([np.zeros((len(rates), 1)), rates], axis=1)
