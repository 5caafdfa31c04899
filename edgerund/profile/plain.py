"""What a variant is loaded and warmed with before anything is known of it: its libraries, an input of its shape."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.engines.cascade_file import read_cascade
from edgerund.ports import Array
from edgerund.types import IOSpec, VariantPlan


def libraries(variant: VariantPlan) -> list[tuple[str, Any]]:
    """The backends that take part, each with its options."""
    if variant.backend != "cascade":
        return [(variant.backend, variant.options)]
    return [(member.backend, member.options) for member in read_cascade(Path(variant.file))]


def any_inputs(spec: IOSpec) -> list[Array] | None:
    """A ramp from 0 to 1 in the declared shapes, zeros where they are whole numbers; None where a shape is free."""
    if any(None in tensor.shape[1:] for tensor in spec.inputs):
        return None
    inputs: list[Array] = []
    for tensor in spec.inputs:
        shape = [side or 1 for side in tensor.shape]
        # no random numbers: importing them takes more memory than many a network
        last = 1.0 if np.dtype(tensor.dtype).kind == "f" else 0.0
        ramp = np.linspace(0.0, last, math.prod(shape), dtype=tensor.dtype)
        inputs.append(ramp.reshape(shape))
    return inputs
