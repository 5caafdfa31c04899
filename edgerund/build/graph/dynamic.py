"""Dynamic quantization by onnxruntime's quantizer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import onnx

from edgerund.build.graph.model import (
    Model,
    at_least_opset,
    explained,
    folded,
    is_quantized,
    read,
    tidy,
)
from edgerund.build.graph.weights import layers
from edgerund.errors import BuildError

OPERATORS = ("Attention", "Gemm", "LSTM", "MatMul")
"""Convolutions stay float: ranges known beforehand (``int8``) are the form for them."""


def quantized(path: Path, params: Any) -> tuple[Model, list[str]]:
    """The network in ``path`` with INT8 weights, and the names of the layers that have them.

    Raises:
        BuildError: nothing in it is a matrix product with fixed weights, or it is quantized already.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = read(path)
    what = f"quantize {path.name}"
    if is_quantized(model):
        raise BuildError(f"cannot {what}: it is quantized already; start from its float parent")
    model = at_least_opset(folded(model, path.name), 13, what)
    fixed = {node.name for node in layers(model)}
    found = [
        node.name
        for node in model.graph.node
        if node.op_type in OPERATORS
        and (node.name in fixed or node.op_type in ("LSTM", "Attention"))
        and node.name not in params.leave
    ]
    if not found:
        raise BuildError(
            f"cannot {what} dynamically: it has no Gemm, MatMul or LSTM with fixed weights; use `int8`"
        )
    with tempfile.TemporaryDirectory() as folder, explained(what):
        source, out = Path(folder) / "in.onnx", Path(folder) / "out.onnx"
        onnx.save(model, str(source))
        quantize_dynamic(
            str(source),
            str(out),
            op_types_to_quantize=["MatMul", "LSTM", "Attention"],
            per_channel=params.per_channel,
            reduce_range=params.weight_bits == 7,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=list(params.leave),
            extra_options={"MatMulConstBOnly": True},
        )
        result = onnx.load(str(out))
    tidy(result)
    return result, found
