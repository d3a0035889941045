"""Nearest neighbours by cosine, from scikit-learn, and where the libraries of the extra `search` come from."""

import importlib

import numpy as np

from vc.errors import SearchError


def library(name):
    """A module of the extra `search`, imported when first asked for. Raises SearchError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise SearchError(f"searching needs {error.name}, which is not installed; pip install vc[search]") from None


def nearest(query, vectors, count):
    """Numbers and cosines, both (count,) or fewer, of the vectors (R, D) nearest to `query` (D,), the nearest first."""
    neighbours = library("sklearn.neighbors").NearestNeighbors(n_neighbors=min(count, len(vectors)), metric="cosine",
                                                               algorithm="brute").fit(vectors)
    distances, places = neighbours.kneighbors(np.asarray(query)[None])
    return places[0], 1 - distances[0]
