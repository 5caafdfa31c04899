"""Codebooks for the weights of a graph: k-means on each tensor, indices in the file, one Gather at load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from edgerund.build.graph.compensate import compensated
from edgerund.build.graph.model import Model, fresh, names
from edgerund.build.graph.packing import Unpacking
from edgerund.build.graph.weights import Weight, ends, initializers, value, weights
from edgerund.build.technique import Array
from edgerund.errors import BuildError

OPSET = 11
"""BitShift came with it."""

Floats = NDArray[np.float64]


def share(
    model: Model, params: Any, moments: Mapping[str, Any], told: Callable[[float, str], None]
) -> list[dict[str, Any]]:
    """Share the weights of ``model`` in place, by the parameters of the technique ``share``.

    ``moments`` are of ``patch_moments``; layers that are not in it are rounded without them.

    Returns:
        For each tensor: its name, bits, relative error, and bytes before and after.

    Raises:
        BuildError: no tensor is large enough.
    """
    found = large(model, params.least)
    outer = {name for side in ends(model) for name in side}
    common: dict[str, Any] = {}
    facts = []
    for number, weight in enumerate(found):
        told(number / len(found), weight.name)
        at_end = params.end_bits is not None and bool(set(weight.layers) & outer)
        bits = params.end_bits if at_end else params.bits
        parts = Unpacking(fresh(names(model), f"w{number}"), common)
        moment = moments.get(weight.layers[0]) if len(weight.layers) == 1 else None
        facts.append(_replace(model, weight, bits, params, moment, parts))
    kept = [each for each in facts if each]
    if not kept:
        raise BuildError(
            f"cannot share weights: none of the tensors gets smaller with {params.bits} bits; take fewer"
        )
    model.graph.initializer.extend(common.values())
    return kept


def large(model: Model, least: int) -> list[Weight]:
    """The tensors that are worth it.

    Raises:
        BuildError: there is none.
    """
    found = weights(model, least)
    if not found:
        raise BuildError(f"cannot share weights: no layer has {least} of them; lower `least`")
    return found


def _replace(
    model: Model, weight: Weight, bits: int, params: Any, moment: Any, parts: Unpacking
) -> dict[str, Any]:
    """Put a codebook in the place of one tensor; empty where the tensor would not get smaller."""
    tensor = initializers(model)[weight.name]
    exact = value(tensor)
    whole = exact.dtype.kind in "iu"
    work = np.float32 if whole else exact.dtype
    scales = _scales(exact, weight.axis) if params.channel_scales else None
    rows = np.moveaxis(exact.astype(np.float64), weight.axis, 0)
    flat = rows.reshape(len(rows), -1)
    sizes = np.ones(len(flat)) if scales is None else scales.reshape(-1).astype(np.float64)
    plain = flat / sizes[:, None]
    weighted = None if moment is None else np.broadcast_to(np.diag(moment), plain.shape)
    book = codebook(plain, 2**bits, params.rounds, weighted).astype(work)
    there = book.astype(np.float64) * sizes[:, None]
    if whole:
        info = np.iinfo(exact.dtype)
        there = np.clip(np.rint(there), info.min, info.max)
    code = _codes(plain, there / sizes[:, None], book, moment)
    again = np.take_along_axis(there, code.astype(np.int64), axis=1)
    code = np.moveaxis(code.reshape(rows.shape), 0, weight.axis)
    indices = parts.indices(np.ascontiguousarray(code).ravel(), bits, exact.shape)
    out = parts.node("Gather", [parts.tensor("codebook", book), indices], axis=0)
    if scales is not None:
        out = parts.node("Mul", [out, parts.tensor("scales", scales.astype(work))])
    if whole:
        _rounded(parts, out, exact.dtype)
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
        "error": round(_distance(flat, again), 5),
        "compensated": moment is not None,
        "bytes": exact.nbytes,
        "shared_bytes": parts.stored_bytes(),
    }


def _codes(plain: Floats, there: Floats, book: Array, moment: Any) -> NDArray[np.uint8]:
    """Which entry stands for each weight ``[O, K]``; ``there [O, values]`` is what an entry becomes in a row."""
    middles = (book[1:].astype(np.float64) + book[:-1]) / 2
    if moment is None:
        return np.searchsorted(middles, plain).astype(np.uint8)
    row = np.arange(len(plain))

    def nearest(column: Floats) -> tuple[NDArray[np.uint8], Floats]:
        code = np.searchsorted(middles, column)
        return code.astype(np.uint8), there[row, code]

    return compensated(plain, moment, nearest)


def _rounded(parts: Unpacking, name: str, dtype: Any) -> None:
    """Back to whole numbers."""
    info = np.iinfo(dtype)
    limits = [parts.constant(f"{n:+d}", np.float32(n)) for n in (info.min, info.max)]
    inside = parts.node("Clip", [parts.node("Round", [name]), *limits])
    parts.node("Cast", [inside], to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _scales(array: Array, axis: int) -> Array:
    """Root mean square of each output channel, shaped to be multiplied; 1 where a channel is all zero."""
    others = tuple(i for i in range(array.ndim) if i != axis)
    size = np.sqrt((array.astype(np.float64) ** 2).mean(axis=others, keepdims=True))
    return np.asarray(np.where(size > 0, size, 1.0))


def _distance(a: Array, b: Array) -> float:
    x, y = a.astype(np.float64), b.astype(np.float64)
    return float(np.linalg.norm(x - y) / max(float(np.linalg.norm(x)), 1e-30))


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
