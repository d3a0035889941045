"""Figures over pairs with bootstrap intervals. P is a number of pairs.

Every figure of the table is a ratio of sums over pairs: a mean (the denominators are 1), a share, or errors over words,
where a long sentence counts as much as its words. So one function serves all of them.
"""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 10000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Figure:
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


def ratio_of_sums(numerators, denominators, resamples=RESAMPLES, seed=0):
    """sum(numerators) / sum(denominators), both (P,), as a Figure; None where the denominators are all 0.

    The interval is the percentile bootstrap's: pairs are drawn anew, P out of P with repetition, `resamples` times,
    and the middle 95 % of the ratios kept. The draws depend on the seed and P alone.
    """
    numerators, denominators = np.asarray(numerators, float), np.asarray(denominators, float)
    assert numerators.shape == denominators.shape and numerators.ndim == 1
    if denominators.sum() == 0:
        return None
    pairs = len(numerators)
    drawn = np.random.default_rng(seed).integers(pairs, size=(resamples, pairs))
    sums, totals = numerators[drawn].sum(axis=1), denominators[drawn].sum(axis=1)
    # A resample that drew only pairs without words says nothing.
    ratios = sums[totals > 0] / totals[totals > 0]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return Figure(float(numerators.sum() / denominators.sum()), float(low), float(high))
