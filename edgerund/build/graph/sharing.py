"""Codebooks for the weights of a graph: k-means on each tensor, indices in the file, looked up at load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from edgerund.build.graph.codebooks import codebook
from edgerund.build.graph.compensate import compensated
from edgerund.build.graph.model import Model, fresh, names
from edgerund.build.graph.packing import Unpacking
from edgerund.build.graph.rescaling import Steps, steps_of
from edgerund.build.graph.weights import Weight, ends, initializers, value, weights
from edgerund.build.technique import Array
from edgerund.errors import BuildError

OPSET = 11
"""GatherElements came with it."""

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
    before: dict[str, Any] = {}
    facts = []
    for number, weight in enumerate(found):
        told(number / len(found), weight.name)
        at_end = params.end_bits is not None and bool(set(weight.layers) & outer)
        bits = params.end_bits if at_end else params.bits
        parts = Unpacking(fresh(names(model), f"w{number}"), common, before)
        moment = moments.get(weight.layers[0]) if len(weight.layers) == 1 else None
        facts.append(_replace(model, weight, bits, params, moment, parts))
    kept = [each for each in facts if each]
    if not kept:
        raise BuildError(
            f"cannot share weights: none of the tensors gets smaller with {params.bits} bits; take fewer"
        )
    used = {name for node in model.graph.node for name in node.input}
    lookups = [node for name, node in before.items() if name in used]
    used |= {name for node in lookups for name in node.input}
    model.graph.node.extend(lookups)
    model.graph.initializer.extend(tensor for name, tensor in common.items() if name in used)
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
    scales = _scales(exact, weight.axis) if params.channel_scales else None
    steps = steps_of(model, weight, exact) if scales is not None else None
    rows = np.moveaxis(exact.astype(np.float64), weight.axis, 0)
    flat = rows.reshape(len(rows), -1)
    sizes = np.ones(len(flat)) if scales is None else scales.reshape(-1).astype(np.float64)
    plain = flat / sizes[:, None]
    weighted = None if moment is None else np.broadcast_to(np.diag(moment), plain.shape)
    found = codebook(plain, 2**bits, params.rounds, weighted)
    book, there = _as_loaded(found, exact, sizes, steps)
    code = _codes(plain, there / sizes[:, None], found, moment)
    again = np.take_along_axis(there, code.astype(np.int64), axis=1)
    code = np.moveaxis(code.reshape(rows.shape), 0, weight.axis)
    out = parts.values(np.ascontiguousarray(code).ravel(), bits, book, exact.shape)
    if steps is None:
        _finished(parts, out, scales, exact.dtype)
    parts.nodes[-1].output[0] = weight.name
    if parts.stored_bytes() >= tensor.ByteSize():
        return {}
    if steps is not None:
        steps.multiply(model, sizes * _unit(found, exact))
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


def _unit(book: Floats, exact: Array) -> float:
    """What one step of a codebook of whole numbers is worth, if its ends are those of ``exact``."""
    top = min(int(np.abs(exact.astype(np.int32)).max()), int(np.iinfo(exact.dtype).max))
    return float(np.abs(book).max()) / top


def _as_loaded(
    book: Floats, exact: Array, sizes: Floats, steps: Steps | None
) -> tuple[Array, Floats]:
    """The codebook as it is stored, and what its entries become in each row, ``[O, values]``.

    Where the weights' steps can carry the scales, the book is of whole numbers: nothing is rounded at load.
    """
    if steps is not None:
        unit = _unit(book, exact)
        whole = np.rint(book / unit).astype(exact.dtype)
        return whole, whole.astype(np.float64) * unit * sizes[:, None]
    is_whole = exact.dtype.kind in "iu"
    stored = book.astype(np.float32 if is_whole else exact.dtype)
    there = stored.astype(np.float64) * sizes[:, None]
    if is_whole:
        info = np.iinfo(exact.dtype)
        there = np.clip(np.rint(there), info.min, info.max)
    return stored, there


def _codes(plain: Floats, there: Floats, book: Floats, moment: Any) -> NDArray[np.uint8]:
    """Which entry stands for each weight ``[O, K]``; ``there [O, values]`` is what an entry becomes in a row."""
    middles = (book[1:] + book[:-1]) / 2
    if moment is None:
        return np.searchsorted(middles, plain).astype(np.uint8)
    row = np.arange(len(plain))

    def nearest(column: Floats) -> tuple[NDArray[np.uint8], Floats]:
        code = np.searchsorted(middles, column)
        return code.astype(np.uint8), there[row, code]

    return compensated(plain, moment, nearest)


def _finished(parts: Unpacking, name: str, scales: Array | None, dtype: Any) -> None:
    """Times the scales, and back to whole numbers where the weights are some."""
    whole = dtype.kind in "iu"
    if scales is not None:
        work = np.float32 if whole else dtype
        name = parts.node("Mul", [name, parts.tensor("scales", scales.astype(work))])
    if not whole:
        return
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
