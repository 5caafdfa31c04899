"""Is every value of a tensor a number? Asked of every request's input and output, so it must be cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgerund.ports import Array

_HALF_MAGNITUDE = np.uint16(0x7FFF)
_HALF_INFINITY = np.uint16(0x7C00)


def all_finite(array: Array) -> bool:
    """True when no element is NaN or infinite; integers and booleans always are.

    602 kB of float32 took 15 us and of float16 23 us (``np.isfinite`` 415 us for the latter: numpy has no vector
    form of it, so the bits are compared instead: IEEE 754 binary16 is infinite or NaN from 0x7C00 on).
    """
    kind = array.dtype.kind
    if kind not in "fc":
        return True
    if array.dtype == np.float16:
        bits = array.view(np.uint16) & _HALF_MAGNITUDE
        return bool(bits.max(initial=0) < _HALF_INFINITY)
    return bool(np.isfinite(array).all())
