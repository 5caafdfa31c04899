"""What an ONNX file costs: its weights and its multiply-accumulates, read from the graph."""

from __future__ import annotations

from math import prod
from pathlib import Path

import onnx


def params_and_macs(path: Path) -> tuple[int, int]:
    """Weights and biases of convolutions and matrices, and multiply-accumulates for one input."""
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    graph = model.graph
    shapes = {w.name: tuple(w.dims) for w in graph.initializer}
    outputs = {
        v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim)
        for v in (*graph.value_info, *graph.output)
    }
    for node in graph.node:  # a weight stays a weight behind a cast or a dequantization
        if node.op_type in ("Cast", "DequantizeLinear") and node.input[0] in shapes:
            shapes[node.output[0]] = shapes[node.input[0]]
    params = macs = 0
    for node in graph.node:
        if node.op_type in ("Conv", "MatMul", "Gemm"):
            constants = [shapes[name] for name in node.input[1:] if name in shapes]
            params += sum(prod(shape) for shape in constants)
            macs += prod(constants[0]) * prod(outputs[node.output[0]][2:])
    return params, macs
