"""Whether two variants differ in accuracy by more than chance, judged on the very same images."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from edgerund.ports import Array

SURE = 0.05
"""Differences that come about by chance more often than this count as none."""

Pair = tuple[str, str]


def chance(ours: Array, theirs: Array) -> float:
    """How often two variants that are equally good would differ at least as much as these, 0..1.

    The exact test of McNemar (Psychometrika 12, 1947): only images that one of them names right and the other wrong
    say anything, and for equals each of these is a toss of a coin. Two accuracies from the same images differ far
    less by chance than two from different ones.

    Args:
        ours: ``bool [N]``, which images were named right.
        theirs: the same of the other one, for the same images.
    """
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    total, less = only_ours + only_theirs, min(only_ours, only_theirs)
    if only_ours == only_theirs:
        return 1.0
    # in logarithms: 2^-total is no float any more where networks differ on thousands of images
    logs = [
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
        for k in range(less + 1)
    ]
    shifted = np.array(logs) - total * math.log(2)
    return min(1.0, 2 * float(np.exp(shifted).sum()))


def chances(right: Mapping[str, Array]) -> dict[Pair, float]:
    """``chance`` of every pair, each once, in the order given."""
    names = list(right)
    return {(a, b): chance(right[a], right[b]) for i, a in enumerate(names) for b in names[i + 1 :]}


def level(known: Mapping[Pair, float], one: str, other: str) -> bool:
    """Whether the two were found to differ by no more than chance; False where that is not known."""
    return known.get((one, other), known.get((other, one), 0.0)) >= SURE
