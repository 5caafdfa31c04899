"""Which confidence is enough: accuracy and cost of every threshold, and the cheapest one that loses little."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHARES = (0.0, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)
"""Shares of the images that a member is not sure of, for which thresholds are looked up."""
MOST_POINTS = 4096
SPARED = 2.0
"""Standard errors that must be left between the loss and what may be lost, for one threshold.

The best of many points is better by luck as well: what is spared for each threshold adds up as independent errors do.
"""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """One threshold for each step, on the validation images.

    ``reached`` is the share of the images that member 1, 2 ... is asked about; ``cost`` the mean cost of an image
    in the unit of the members' costs; ``noise`` the standard error of ``loss`` (paired images).
    """

    at_least: tuple[float, ...]
    accuracy: float
    loss: float
    noise: float
    reached: tuple[float, ...]
    cost: float


def points(
    scores: Sequence[Floats], confidence: Sequence[Floats], costs: Sequence[float], best: int
) -> list[Point]:
    """What each choice of thresholds gives; with many members the grid is coarser, so that it ends.

    Args:
        scores: for each member, how right it is about each image, 0 to 1.
        confidence: for each member but the last, how sure it is.
        costs: of one image, for each member.
        best: the member that the loss is counted against.
    """
    return [at(each, scores, confidence, costs, best) for each in _grid(confidence)]


def at(
    thresholds: Sequence[float],
    scores: Sequence[Floats],
    confidence: Sequence[Floats],
    costs: Sequence[float],
    best: int,
) -> Point:
    """The point of these thresholds, one for each step."""
    right = np.array(scores[-1], np.float64)
    asked = np.ones(len(right), bool)
    reached = []
    for step, at_least in enumerate(thresholds):
        stays = asked & (confidence[step] >= at_least)
        right[stays] = scores[step][stays]
        asked = asked & ~stays
        reached.append(float(asked.mean()))
    worse = scores[best] - right
    return Point(
        tuple(thresholds),
        float(right.mean()),
        float(worse.mean()),
        float(worse.std() / math.sqrt(len(worse))),
        tuple(reached),
        costs[0] + sum(share * cost for share, cost in zip(reached, costs[1:], strict=True)),
    )


def choose(found: Sequence[Point], loss: float) -> Point:
    """The cheapest point whose loss, with standard errors to spare, is allowed; else the most accurate."""
    good = [p for p in found if allowed(p, loss)]
    if good:
        return min(good, key=lambda p: (p.cost, p.loss, p.at_least))
    return max(found, key=lambda p: (p.accuracy, -p.cost))


def allowed(point: Point, loss: float) -> bool:
    """Whether it loses no more than ``loss`` (a share of the images), beyond chance."""
    return point.loss + SPARED * math.sqrt(len(point.at_least)) * point.noise <= loss


def coarse(times: Sequence[float]) -> list[float]:
    """Times as powers of two of the first: measured anew, they nearly always come out the same."""
    return [2.0 ** round(math.log2(each / times[0])) for each in times]


def curve(found: Sequence[Point]) -> list[Point]:
    """What nothing else beats in accuracy and cost, the cheapest first."""
    kept: list[Point] = []
    for point in sorted(found, key=lambda p: (p.cost, -p.accuracy)):
        if not kept or point.accuracy > kept[-1].accuracy:
            kept.append(point)
    return kept


def _grid(confidence: Sequence[Floats]) -> Iterator[tuple[float, ...]]:
    most = max(1, int(MOST_POINTS ** (1 / len(confidence))) - 1)  # and 0, which every step has
    at = np.unique(np.linspace(0, len(SHARES) - 1, min(most, len(SHARES))).astype(int))
    shares = [SHARES[i] for i in at]
    steps = [sorted({_rounded(t) for t in _quantiles(each, shares)} | {0.0}) for each in confidence]
    return itertools.product(*steps)


def _quantiles(confidence: Floats, shares: Sequence[float]) -> list[float]:
    """Of the answers that can be sure at all."""
    finite = confidence[np.isfinite(confidence)]
    return [float(t) for t in np.quantile(finite, shares)] if len(finite) else []


def _rounded(threshold: float) -> float:
    return max(0.0, float(f"{threshold:.4g}"))
