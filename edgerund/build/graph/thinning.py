"""Zeros in the place of small weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerund.build.graph.model import Model
from edgerund.build.graph.weights import (
    Weight,
    ends,
    initializers,
    replace_initializer,
    value,
    weights,
)
from edgerund.build.technique import Array
from edgerund.errors import BuildError

Mask = NDArray[np.bool_]


def thin(model: Model, params: Any) -> dict[str, Any]:
    """Set weights to zero in place, by the parameters of the technique ``sparse``.

    Raises:
        BuildError: no tensor is large enough, or none has four inputs per output for 2:4.
    """
    outer = set() if params.ends else {name for side in ends(model) for name in side}
    stored = initializers(model)
    chosen = [w for w in weights(model, params.least) if not set(w.layers) & outer]
    if params.pattern == "2:4":
        chosen = [w for w in chosen if stored[w.name].dims[inputs_axis(w)] % 4 == 0]
    if not chosen:
        raise BuildError(
            "cannot make weights zero: no layer between the ends has enough of them; "
            "lower `least` or set `ends: true`"
        )
    arrays = {w.name: value(stored[w.name]) for w in chosen}
    limit = None
    if params.pattern == "unstructured" and params.scope == "network":
        limit = float(
            np.quantile(np.concatenate([_sizes(a).ravel() for a in arrays.values()]), params.ratio)
        )
    rows, zeros, total = [], 0, 0
    for weight in chosen:
        array = arrays[weight.name]
        mask = (
            two_of_four(array, inputs_axis(weight))
            if params.pattern == "2:4"
            else _large(array, limit, params.ratio)
        )
        replace_initializer(model, weight.name, np.where(mask, array, np.zeros((), array.dtype)))
        rows.append({"tensor": weight.name, "zeros": round(1 - float(mask.mean()), 4)})
        zeros, total = zeros + int((~mask).sum()), total + mask.size
    return {"pattern": params.pattern, "zeros": round(zeros / total, 4), "tensors": rows}


def inputs_axis(weight: Weight) -> int:
    """The axis over which a layer sums: input channels."""
    if weight.ops[0] == "MatMul":
        return -2
    return 1 - weight.axis


def _sizes(array: Array) -> NDArray[np.float64]:
    """Magnitudes, each tensor's own scale taken out so that one threshold suits all."""
    sizes = np.abs(array.astype(np.float64))
    scale = float(np.sqrt((sizes**2).mean()))
    return np.asarray(sizes / scale if scale else sizes)


def _large(array: Array, limit: float | None, ratio: float) -> Mask:
    """What stays: the larger share of the weights."""
    sizes = _sizes(array)
    if limit is None:
        limit = float(np.quantile(sizes, ratio))
    return np.asarray(sizes > limit)


def two_of_four(array: Array, axis: int) -> Mask:
    """What stays: the two largest of each four neighbours along ``axis``, the first ones where they are equal."""
    moved = np.moveaxis(np.abs(array.astype(np.float64)), axis, -1)
    fours = moved.reshape(*moved.shape[:-1], -1, 4)
    order = np.argsort(-fours, axis=-1, kind="stable")
    mask = np.zeros(fours.shape, bool)
    np.put_along_axis(mask, order[..., :2], True, axis=-1)
    return np.asarray(np.moveaxis(mask.reshape(moved.shape), -1, axis))
