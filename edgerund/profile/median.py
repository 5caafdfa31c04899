"""Medians and how sure they are, without any assumption about the shape of the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Z95 = 1.96


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile, linear between neighbours; NaN for nothing."""
    return float(np.quantile(np.asarray(values), share)) if len(values) else math.nan


def median(values: Sequence[float]) -> float:
    """The middle one; NaN for nothing."""
    return quantile(values, 0.5)


def median_error(values: Sequence[float]) -> float:
    """Half the width of the 95 % confidence interval of the median, as a share of it; infinite below 6 values.

    From order statistics: the ranks n/2 -+ 1.96 sqrt(n)/2 enclose the true median with that probability whatever
    the distribution (Conover, Practical Nonparametric Statistics, 1999, section 3.2).
    """
    count = len(values)
    if count < 6:
        return math.inf
    ordered = np.sort(np.asarray(values))
    reach = Z95 * math.sqrt(count) / 2
    low = max(0, math.floor(count / 2 - reach))
    high = min(count - 1, math.ceil(count / 2 + reach))
    middle = float(np.median(ordered))
    return float(ordered[high] - ordered[low]) / 2 / middle if middle > 0 else math.inf
