"""Floats in 16 bits: in the file only, or in the arithmetic too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edgerund.build.graph.model import Model, explained, fresh, names
from edgerund.build.graph.order import taken
from edgerund.errors import BuildError

_SCALES = (
    "QuantizeLinear",
    "DequantizeLinear",
    "QLinearConv",
    "QLinearMatMul",
    "Resize",
    "Upsample",
)
"""Their small float inputs are steps and scales, of which every bit counts."""


def store(model: Model, least: int) -> dict[str, Any]:
    """Store float32 weights as fp16, in place, each with a cast that engines fold when they load.

    Returns:
        facts: how many were stored so, which would have overflowed, the largest relative change of a tensor.

    Raises:
        BuildError: nothing is stored in 32 bits.
    """
    graph = model.graph
    kept = {name for node in graph.node if node.op_type in _SCALES for name in node.input[1:]}
    outputs = {value.name for value in graph.output}
    used, known = names(model), {name for node in graph.node for name in taken(node)}
    casts, overflow, worst = [], [], 0.0
    for tensor in graph.initializer:
        name = tensor.name
        if tensor.data_type != TensorProto.FLOAT or name in kept | outputs or name not in known:
            continue
        exact = numpy_helper.to_array(tensor)
        if exact.size < least:
            continue
        with np.errstate(over="ignore"):
            short = exact.astype(np.float16)
        if not np.isfinite(short).all():
            overflow.append(name)
            continue
        norm = float(np.linalg.norm(exact.astype(np.float64)))
        change = float(np.linalg.norm(exact.astype(np.float64) - short))
        worst = max(worst, change / norm if norm else 0.0)
        stored = fresh(used, f"{name}.fp16")
        used.add(stored)
        tensor.CopyFrom(numpy_helper.from_array(short, stored))
        casts.append(helper.make_node("Cast", [stored], [name], name=stored, to=TensorProto.FLOAT))
    if not casts:
        raise BuildError("cannot store weights in 16 bits: none of them is stored in 32 bits")
    graph.node.extend(casts)
    return {
        "tensors": len(casts),
        "kept_float32": overflow,
        "largest_change": float(f"{worst:.3g}"),
    }


def compute(model: Model, name: str, leave: Sequence[str]) -> tuple[Model, dict[str, Any]]:
    """A graph that computes in fp16 between float32 inputs and outputs.

    Raises:
        BuildError: a node to be left does not exist, or the converter fails.
    """
    unknown = set(leave) - {node.name for node in model.graph.node}
    if unknown:
        raise BuildError(f"cannot leave {', '.join(sorted(unknown))}: {name} has no such node")
    with explained(f"compute {name} in 16 bits"):
        from onnxruntime.transformers.float16 import convert_float_to_float16

        result = convert_float_to_float16(
            model, keep_io_types=True, disable_shape_infer=False, node_block_list=list(leave)
        )
    floats = sum(t.data_type == TensorProto.FLOAT for t in result.graph.initializer)
    halves = sum(t.data_type == TensorProto.FLOAT16 for t in result.graph.initializer)
    return result, {"tensors": halves, "kept_float32_tensors": floats, "left": list(leave)}
