"""Real values to stored ones and back, by a tensor's scale and zero point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgerund.ports import Array
    from edgerund.types import TensorSpec


def is_quantised(spec: TensorSpec) -> bool:
    """True for an integer tensor that stands for real values."""
    return bool(spec.scale) and np.dtype(spec.dtype).kind in "iu"


def dequantise(stored: Array, spec: TensorSpec) -> Array:
    """float32 real values: (stored - zero_point) * scale. What is not quantised comes back as it is."""
    if not is_quantised(spec):
        return stored
    assert spec.scale is not None
    real = stored.astype(np.float32)
    real -= np.float32(spec.zero_point or 0)
    real *= np.float32(spec.scale)
    return real


def quantise(real: Array, spec: TensorSpec) -> Array:
    """round(real / scale) + zero_point, clipped to what the dtype holds. Scale None counts as 1."""
    dtype = np.dtype(spec.dtype)
    limits = np.iinfo(dtype)
    stored = np.rint(real / (spec.scale or 1.0)) + (spec.zero_point or 0)
    clipped: Array = np.clip(stored, limits.min, limits.max).astype(dtype)
    return clipped
