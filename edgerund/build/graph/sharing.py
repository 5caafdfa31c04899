"""Codebooks for the weights of a graph: k-means on each tensor, indices in the file, one Gather at load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from edgerund.build.graph.model import Model, fresh, names
from edgerund.build.graph.packing import Unpacking
from edgerund.build.graph.weights import Weight, ends, initializers, value, weights
from edgerund.build.technique import Array
from edgerund.errors import BuildError

OPSET = 11
"""BitShift came with it."""

Floats = NDArray[np.float64]


def share(model: Model, params: Any, told: Callable[[float, str], None]) -> list[dict[str, Any]]:
    """Share the weights of ``model`` in place, by the parameters of the technique ``share``.

    Returns:
        For each tensor: its name, bits, relative error, and bytes before and after.

    Raises:
        BuildError: no tensor is large enough.
    """
    found = weights(model, params.least)
    if not found:
        raise BuildError(
            f"cannot share weights: no layer has {params.least} of them; lower `least`"
        )
    outer = {name for side in ends(model) for name in side}
    common: dict[str, Any] = {}
    facts = []
    for number, weight in enumerate(found):
        told(number / len(found), weight.name)
        at_end = params.end_bits is not None and bool(set(weight.layers) & outer)
        bits = params.end_bits if at_end else params.bits
        prefix = fresh(names(model), f"w{number}")
        facts.append(_replace(model, weight, bits, params, Unpacking(prefix, common)))
    kept = [each for each in facts if each]
    if not kept:
        raise BuildError(
            f"cannot share weights: none of the tensors gets smaller with {params.bits} bits; take fewer"
        )
    model.graph.initializer.extend(common.values())
    return kept


def _replace(
    model: Model, weight: Weight, bits: int, params: Any, parts: Unpacking
) -> dict[str, Any]:
    """Put a codebook in the place of one tensor; empty where the tensor would not get smaller."""
    tensor = initializers(model)[weight.name]
    exact = value(tensor)
    scales = _scales(exact, weight.axis) if params.channel_scales else None
    plain = (exact / scales if scales is not None else exact).astype(np.float64).ravel()
    centres = codebook(plain, 2**bits, params.rounds)
    code = np.searchsorted((centres[1:] + centres[:-1]) / 2, plain).astype(np.uint8)
    work = np.float32 if exact.dtype.kind in "iu" else exact.dtype
    book = centres.astype(work)
    indices = parts.indices(code, bits, exact.shape)
    out = parts.node("Gather", [parts.tensor("codebook", book), indices], axis=0)
    again = book[code].reshape(exact.shape)
    if scales is not None:
        again = again * scales.astype(work)
        out = parts.node("Mul", [out, parts.tensor("scales", scales.astype(work))])
    if exact.dtype.kind in "iu":
        again = _rounded(parts, out, again, exact.dtype)
    parts.nodes[-1].output[0] = weight.name
    if parts.stored_bytes() >= tensor.ByteSize():
        return {}
    model.graph.initializer.remove(tensor)
    model.graph.initializer.extend(parts.tensors)
    model.graph.node.extend(parts.nodes)
    return {
        "tensor": weight.name,
        "bits": bits,
        "values": len(book),
        "error": round(_distance(exact, again), 5),
        "bytes": exact.nbytes,
        "shared_bytes": parts.stored_bytes(),
    }


def _rounded(parts: Unpacking, name: str, values: Array, dtype: Any) -> Array:
    """Back to whole numbers, in the graph and here."""
    info = np.iinfo(dtype)
    ends = [parts.constant(f"{n:+d}", np.float32(n)) for n in (info.min, info.max)]
    inside = parts.node("Clip", [parts.node("Round", [name]), *ends])
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    parts.node("Cast", [inside], to=kind)
    return np.clip(np.rint(values), info.min, info.max).astype(dtype)


def _scales(array: Array, axis: int) -> Array:
    """Root mean square of each output channel, shaped to be multiplied; 1 where a channel is all zero."""
    others = tuple(i for i in range(array.ndim) if i != axis)
    size = np.sqrt((array.astype(np.float64) ** 2).mean(axis=others, keepdims=True))
    return np.asarray(np.where(size > 0, size, 1.0))


def _distance(a: Array, b: Array) -> float:
    x, y = a.astype(np.float64), b.astype(np.float64)
    return float(np.linalg.norm(x - y) / max(float(np.linalg.norm(x)), 1e-30))


def codebook(values: Floats, size: int, rounds: int) -> Floats:
    """At most ``size`` centres of a line of numbers, sorted: Lloyd's k-means, from quantiles.

    In one dimension clusters are intervals, so that a round costs two look-ups per centre (S. Lloyd, 1982).
    """
    line = np.sort(np.asarray(values, np.float64).ravel())
    distinct = np.unique(line)
    if len(distinct) <= size:
        return distinct
    sums = np.concatenate([[0.0], np.cumsum(line)])
    # half by rank and half by value: the few large weights get centres of their own
    ranks = line[((np.arange(size) + 0.5) / size * len(line)).astype(np.int64)]
    centres = np.unique((ranks + np.linspace(line[0], line[-1], size)) / 2)
    for _ in range(rounds):
        edges = np.searchsorted(line, (centres[1:] + centres[:-1]) / 2)
        begin, end = np.concatenate([[0], edges]), np.concatenate([edges, [len(line)]])
        there = end > begin
        moved = (sums[end] - sums[begin])[there] / (end - begin)[there]
        if len(moved) == len(centres) and np.allclose(moved, centres, rtol=1e-7, atol=0):
            break
        centres = np.unique(moved)
    return centres
