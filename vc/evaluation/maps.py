"""Halves of all recordings on a map of two dimensions: the two principal directions of each half."""

import numpy as np

from vc.evaluation.result import Point


def draw_maps(halves):
    """halves: list of (speaker, {"speaker": list, "content": list}), one a recording -> list of Point."""
    if not halves:
        return []
    points = []
    for half in ("speaker", "content"):
        vectors = np.array([held[half] for _, held in halves])
        for (speaker, _), (x, y) in zip(halves, principal_plane(vectors)):
            points.append(Point(half, speaker, round(float(x), 4), round(float(y), 4)))
    return points


def principal_plane(vectors):
    """(V, D) -> (V, 2), along the two directions of largest variance; zeros where there are fewer."""
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    # A direction and its opposite are the same; this one points to where the largest entry is positive.
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
    plane = centred @ (directions * signs[:, None])[:2].T
    return np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))
