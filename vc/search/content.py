"""Where is this said? Windows of the library that resemble the query as a whole, by nearest neighbours; then the
query is warped onto each, by dynamic time warping in which it may begin and end anywhere.

The warping tells far better, but takes a thousand times as long. C is the number of coarse values a frame, K of fine
ones, T' and t frames.
"""

from dataclasses import dataclass

import numpy as np

from vc.search.neighbours import library, nearest

CANDIDATES = 100
PARTS = 8  # a window is summed up by the means of so many parts, in their order
STRETCHES = (0.8, 1.0, 1.25)  # windows as long as the query, and as long as of a faster or slower speaker
STEPS = 4  # windows in the length of a query
STANDSTILL_COST = 0.1  # of each step in which only one of both goes on; else a query fits any moment
LEAST_SHARE = 0.5  # of the query's length that a passage must have


@dataclass(frozen=True)
class Sequence:
    """A recording frame by frame. coarse (C, T') finds candidates, fine (K, T') is compared frame by frame."""

    coarse: np.ndarray
    fine: np.ndarray


@dataclass(frozen=True)
class Found:
    """Where a sequence holds the query. place: its number. score: 1 minus the cosine distance and the cost of
    warping, a mean over the query's frames; 1 for the very same.
    Frames from start to stop."""

    place: int
    score: float
    start: int
    stop: int


def find(query: Sequence, sequences, candidates=CANDIDATES):
    """List of Found, best first: the places in the `candidates` most similar sequences, none of which overlaps a better
    one of its sequence by more than half."""
    places = _candidates(query.coarse, [sequence.coarse for sequence in sequences], candidates)
    found = [one for place in places for one in _warp(query.fine, sequences[place].fine, place)]
    return sorted(found, key=lambda one: -one.score)


def _candidates(query, sequences, count):
    """Numbers of the sequences (C, T') with the windows that are nearest to a query (C, t)."""
    windows, owners = [], []
    for place, sequence in enumerate(sequences):
        if sequence.shape[1] >= LEAST_SHARE * query.shape[1]:
            vectors = _windows(sequence, query.shape[1])
            windows.append(vectors)
            owners += [place] * len(vectors)
    if not windows:
        return []
    vectors = np.concatenate(windows)
    order, _ = nearest(_summed_up(_centred(query), np.array([0]), query.shape[1])[0], vectors, len(vectors))
    return list(dict.fromkeys(owners[i] for i in order.tolist()))[:count]


def _windows(sequence, frames):
    """Windows of about so many frames, each as a vector: (windows, PARTS * C)."""
    sequence, vectors = _centred(sequence), []
    for stretch in STRETCHES:
        size = min(max(PARTS, round(frames * stretch)), sequence.shape[1])
        starts = np.arange(0, sequence.shape[1] - size + 1, max(1, frames // STEPS))
        vectors.append(_summed_up(sequence, starts, size))
    return np.concatenate(vectors)


def _summed_up(sequence, starts, size):
    """Means of the PARTS of the windows that begin at `starts` (W,): (C, T') -> (W, PARTS * C)."""
    C, T = sequence.shape
    sums = np.concatenate([np.zeros((C, 1)), np.cumsum(sequence, axis=1, dtype=np.float64)], axis=1)
    edges = starts[:, None] + np.linspace(0, size, PARTS + 1).round().astype(int)
    begins, ends = edges[:, :-1], np.maximum(edges[:, 1:], edges[:, :-1] + 1).clip(max=T)
    means = (sums[:, ends] - sums[:, begins]) / np.maximum(1, ends - begins)
    return means.transpose(1, 2, 0).reshape(len(starts), -1).astype(np.float32)


def _centred(sequence):
    sequence = sequence.astype(np.float32)
    return sequence - sequence.mean(axis=1, keepdims=True)


def _warp(query, sequence, place):
    """The places of a query (K, t) in a sequence (K, T'), best first: list of Found."""
    warping = library("librosa").sequence
    distances = 1 - _unit(query).T @ _unit(sequence)
    total, steps = warping.dtw(C=distances.astype(np.float64), subseq=True, backtrack=False, return_steps=True,
                               weights_add=np.array([0, STANDSTILL_COST, STANDSTILL_COST]))
    found = []
    for last in _lows(total[-1]):
        path = warping.dtw_backtracking(steps, subseq=True, start=last)
        one = Found(place, float(1 - total[-1, last] / query.shape[1]), int(path[-1][1]), last + 1)
        if not any(_shared(one, better) > (one.stop - one.start) / 2 for better in found):
            found.append(one)
    return found


def _lows(costs):
    """Where costs (T',) are no higher than on either side, the lowest first."""
    around = np.pad(costs, 1, constant_values=np.inf)
    lows = np.flatnonzero((costs <= around[:-2]) & (costs <= around[2:]))
    return lows[costs[lows].argsort(kind="stable")].tolist()


def _shared(one, other):
    return min(one.stop, other.stop) - max(one.start, other.start)


def _unit(sequence):
    """Each frame of (K, T') at length 1; a frame of zeros stays."""
    sequence = sequence.astype(np.float32)
    return sequence / np.linalg.norm(sequence, axis=0, keepdims=True).clip(min=1e-6)
