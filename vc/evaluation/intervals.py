"""Figures over pairs with bootstrap intervals. P is a number of pairs.

Nearly every figure is a ratio of sums over pairs: a mean (the denominators are 1), a share, or errors over words, where
a long sentence counts as much as its words. So one function serves all of them; the equal error rate has its own.
"""

import functools
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float

    def times(self, factor):
        """The same in a smaller or larger unit."""
        return Interval(factor * self.value, factor * self.low, factor * self.high)


def ratio_of_sums(numerators, denominators, resamples=RESAMPLES, seed=0):
    """sum(numerators) / sum(denominators), both (P,), as an Interval; None where the denominators are all 0.

    The interval is the percentile bootstrap's: pairs are drawn anew, P out of P with repetition, `resamples` times,
    and the middle 95 % of the ratios kept. The draws depend on the seed and P alone.
    """
    numerators, denominators = np.asarray(numerators, float), np.asarray(denominators, float)
    assert numerators.shape == denominators.shape and numerators.ndim == 1
    if denominators.sum() == 0:
        return None
    counts = resampled_counts(len(numerators), resamples, seed)
    sums, totals = counts @ numerators, counts @ denominators
    # A resample that drew only pairs without words says nothing.
    return percentiles(numerators.sum() / denominators.sum(), sums[totals > 0] / totals[totals > 0])


@functools.lru_cache(maxsize=64)
def resampled_counts(pairs, resamples=RESAMPLES, seed=0):
    """How often each of P pairs is drawn in each resample: (resamples, P), read only. From the seed and P alone."""
    drawn = np.random.default_rng(seed).integers(pairs, size=(resamples, pairs))
    cells = drawn + pairs * np.arange(resamples)[:, None]
    counts = np.bincount(cells.ravel(), minlength=resamples * pairs).reshape(resamples, pairs).astype(np.float64)
    counts.setflags(write=False)
    return counts


def percentiles(value, resampled):
    """A value with the middle 95 % of what resampling made of it, as an Interval."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(value), float(low), float(high))
