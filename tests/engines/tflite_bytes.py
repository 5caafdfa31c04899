"""Tiny TFLite files, written with the flatbuffer classes that come with ai-edge-litert."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgerund.ports import Array

INPUT_SCALE, OUTPUT_SCALE, OUTPUT_ZERO = 1 / 255, 0.05, 3


@dataclass(frozen=True)
class _Kind:
    dtype: int
    scale: float = 0.0
    zero_point: int = 0


def linear(
    weight: Array, bias: Array, *, quantised: bool = False, free_batch: bool = True
) -> bytes:
    """``y = flatten(x) @ weight + bias`` for ``x`` of shape [batch, 4, 4, 3]; ``weight`` is [48, classes]."""
    flatbuffers: Any = importlib.import_module("flatbuffers")
    s: Any = importlib.import_module("ai_edge_litert.schema_py_generated")
    classes = weight.shape[1]
    batch = -1 if free_batch else 1
    kinds = [_Kind(0), _Kind(0), _Kind(0), _Kind(0)]
    weights, biases = weight.T.astype(np.float32), bias.astype(np.float32)
    if quantised:
        weight_scale = float(np.abs(weight).max()) / 127
        kinds = [
            _Kind(9, INPUT_SCALE, -128),
            _Kind(9, weight_scale),
            _Kind(2, INPUT_SCALE * weight_scale),
            _Kind(9, OUTPUT_SCALE, OUTPUT_ZERO),
        ]
        weights = np.rint(weights / weight_scale).astype(np.int8)
        biases = np.rint(biases / (INPUT_SCALE * weight_scale)).astype(np.int32)
    shapes = [[1, 4, 4, 3], [classes, 48], [classes], [1, classes]]
    names = ["image", "w", "b", "scores"]
    model = s.ModelT()
    model.version = 3
    model.description = "tiny"
    model.buffers = [_buffer(s, b""), _buffer(s, weights.tobytes()), _buffer(s, biases.tobytes())]
    graph = s.SubGraphT()
    graph.name = "main"
    graph.tensors = [
        _tensor(s, name, shape, kind, buffer, batch if name in ("image", "scores") else None)
        for name, shape, kind, buffer in zip(names, shapes, kinds, [0, 1, 2, 0], strict=True)
    ]
    graph.inputs, graph.outputs = [0], [3]
    operator = s.OperatorT()
    operator.opcodeIndex = 0
    operator.inputs, operator.outputs = [0, 1, 2], [3]
    operator.builtinOptionsType = s.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = s.FullyConnectedOptionsT()
    graph.operators = [operator]
    code = s.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = s.BuiltinOperator.FULLY_CONNECTED
    code.version = 4 if quantised else 1
    model.operatorCodes, model.subgraphs = [code], [graph]
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _buffer(s: Any, data: bytes) -> Any:
    buffer = s.BufferT()
    if data:
        buffer.data = np.frombuffer(data, np.uint8)
    return buffer


def _tensor(
    s: Any, name: str, shape: list[int], kind: _Kind, buffer: int, batch: int | None
) -> Any:
    tensor = s.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, kind.dtype, buffer
    if batch == -1:
        tensor.shapeSignature = [-1, *shape[1:]]
    if kind.scale:
        tensor.quantization = s.QuantizationParametersT()
        tensor.quantization.scale = [kind.scale]
        tensor.quantization.zeroPoint = [kind.zero_point]
    return tensor
