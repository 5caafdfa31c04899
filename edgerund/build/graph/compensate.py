"""Rounding weights one after the other, each error made good by those that are still free.

The method of GPTQ (E. Frantar et al., arXiv:2210.17323, after optimal brain surgery): what counts is not how far a
weight is from its old value, but how far the layer's output is, on the inputs that it really gets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

BLOCK = 64
DAMPING = 0.01
"""Share of the mean diagonal that is added to it: inputs that were never seen must not cost nothing."""


def compensated(
    rows: Floats, moment: Floats, nearest: Callable[[Floats], tuple[Codes, Floats]]
) -> Codes:
    """Codes ``[O, K]`` of weights.

    Args:
        rows: ``[O, K]``, one row for each output.
        moment: ``[K, K]``, second moment of what a row is multiplied with.
        nearest: one column ``[O]`` -> (its codes, the values that they stand for).
    """
    width = rows.shape[1]
    diagonal = np.diag(moment)
    damp = DAMPING * float(diagonal.mean()) or 1.0
    order = np.argsort(-diagonal, kind="stable")  # what is seen most is rounded first
    left = np.array(rows[:, order], np.float64)
    hessian = moment[np.ix_(order, order)].astype(np.float64) + damp * np.eye(width)
    upper = np.linalg.cholesky(np.linalg.inv(hessian)).T
    codes = np.zeros(rows.shape, np.uint8)
    for begin in range(0, width, BLOCK):
        end = min(begin + BLOCK, width)
        errors = np.zeros((len(rows), end - begin))
        for j in range(begin, end):
            column = left[:, j]
            codes[:, order[j]], values = nearest(column)
            error = (column - values) / upper[j, j]
            left[:, j + 1 : end] -= np.outer(error, upper[j, j + 1 : end])
            errors[:, j - begin] = error
        left[:, end:] -= errors @ upper[begin:end, end:]
    return codes
