"""What each weight of a layer is multiplied with: second moments of the patches that a convolution sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerund.build.graph.model import Model
from edgerund.build.graph.sessions import check_images, feeds, open_session
from edgerund.build.graph.weights import attribute, initializers, source_of
from edgerund.build.technique import Array, Images, Progress

ROWS = 1024
"""At most so many positions of one run are looked at, evenly spread."""
MOST_WEIGHTS = 4608
"""Weights of one output; wider layers would take gigabytes."""

Moments = NDArray[np.float32]


def patch_moments(
    model: Model, nodes: Sequence[Any], images: Images, threads: int, progress: Progress
) -> dict[str, Moments]:
    """By layer name: the mean of ``x x'`` over positions, where a row of weights times ``x`` is an output.

    The order of ``x`` is that of the weights of one output, flattened (``[I, *k]``, or ``[I]``).

    Raises:
        BuildError: the model does not run on the images.
    """
    wanted = {node.name: node for node in nodes if _able(node)}
    watched = type(model)()
    watched.CopyFrom(model)
    shown = {v.name for v in [*watched.graph.output, *watched.graph.input]}
    values = list(dict.fromkeys(node.input[0] for node in wanted.values()))
    for name in values:
        if name not in shown:
            watched.graph.output.add().name = name
    session = open_session(watched.SerializeToString(), "the network with values shown", threads)
    check_images(session, images, "the network")
    outputs = [v.name for v in session.get_outputs() if v.name in values]
    fixed = [v.shape[0] for v in session.get_inputs() if v.shape and isinstance(v.shape[0], int)]
    batch = min(fixed) if fixed else 8
    found: dict[str, Moments] = {}
    counts: dict[str, int] = {}
    kernels = {name: _kernel(model, node) for name, node in wanted.items()}
    for number, (_, part) in enumerate(feeds(session, images, batch)):
        seen = dict(zip(outputs, session.run(outputs, part), strict=True)) if outputs else {}
        seen |= {name: part[name] for name in values if name in part}
        for name, node in wanted.items():
            rows = _rows(node, np.asarray(seen[node.input[0]], np.float32), kernels[name])
            if rows.shape[1] <= MOST_WEIGHTS:
                found[name] = found.get(name, np.float32(0)) + rows.T @ rows
                counts[name] = counts.get(name, 0) + len(rows)
        progress(min(1.0, (number + 1) * batch / len(images)), "watches what the weights see")
    return {name: moment / np.float32(max(1, counts[name])) for name, moment in found.items()}


def _able(node: Any) -> bool:
    if node.op_type == "Conv":
        plain = attribute(node, "auto_pad", b"NOTSET") in (b"NOTSET", b"")
        return plain and int(attribute(node, "group", 1)) == 1
    return node.op_type == "MatMul" or (node.op_type == "Gemm" and not attribute(node, "transA", 0))


def _kernel(model: Model, node: Any) -> tuple[int, ...]:
    """Sides of a convolution's kernel; none for a product."""
    dims = initializers(model)[source_of(node, model)].dims
    return tuple(dims[2:]) if node.op_type == "Conv" else ()


def _rows(node: Any, array: Array, kernel: tuple[int, ...]) -> Moments:
    """``[positions, weights of one output]``."""
    if node.op_type != "Conv":
        rows = array.reshape(-1, array.shape[-1])
        return np.asarray(rows[:: max(1, len(rows) // ROWS)], np.float32)
    sides = len(kernel)
    pads = list(attribute(node, "pads", [0] * 2 * sides))
    strides = list(attribute(node, "strides", [1] * sides))
    dilations = list(attribute(node, "dilations", [1] * sides))
    around = [(0, 0), (0, 0), *[(pads[i], pads[sides + i]) for i in range(sides)]]
    padded = np.pad(array, around)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    axes = tuple(range(2, 2 + sides))
    views = np.lib.stride_tricks.sliding_window_view(padded, reach, axes)
    steps = tuple(slice(None, None, s) for s in strides)
    holes = tuple(slice(None, None, d) for d in dilations)
    chosen = (slice(None), slice(None), *steps, *holes)
    views = views[chosen]
    moved = np.moveaxis(views, 1, 1 + sides)  # [N, *places, C, *k]
    places = int(np.prod(moved.shape[: 1 + sides]))
    every = max(1, places // ROWS)
    index = np.unravel_index(np.arange(0, places, every), moved.shape[: 1 + sides])
    picked = moved[index]
    return np.asarray(picked.reshape(len(picked), -1), np.float32)
