"""The few values that stand for many: k-means in one dimension."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def codebook(values: Floats, size: int, rounds: int, importance: Floats | None = None) -> Floats:
    """At most ``size`` centres of a line of numbers, sorted: Lloyd's k-means, weighted by importance.

    In one dimension clusters are intervals, so that a round costs two look-ups per centre (S. Lloyd, 1982).
    """
    flat = np.asarray(values, np.float64).ravel()
    order = np.argsort(flat, kind="stable")
    line = flat[order]
    distinct = np.unique(line)
    if len(distinct) <= size:
        return distinct
    mass = np.ones(len(line)) if importance is None else np.asarray(importance).ravel()[order]
    mass = mass + float(mass.mean()) * 1e-3  # a weight whose input was always zero counts a little
    masses = np.concatenate([[0.0], np.cumsum(mass)])
    sums = np.concatenate([[0.0], np.cumsum(line * mass)])
    # half by rank and half by value: the few large weights get centres of their own
    ranks = line[((np.arange(size) + 0.5) / size * len(line)).astype(np.int64)]
    centres = np.unique((ranks + np.linspace(line[0], line[-1], size)) / 2)
    for _ in range(rounds):
        edges = np.searchsorted(line, (centres[1:] + centres[:-1]) / 2)
        begin, end = np.concatenate([[0], edges]), np.concatenate([edges, [len(line)]])
        there = end > begin
        moved = (sums[end] - sums[begin])[there] / (masses[end] - masses[begin])[there]
        if len(moved) == len(centres) and np.allclose(moved, centres, rtol=1e-7, atol=0):
            break
        centres = np.unique(moved)
    return centres
