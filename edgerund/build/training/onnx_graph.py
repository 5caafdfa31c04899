"""What of an ONNX graph can be trained: its float weights, its quantized ones, and the ranges of its activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from edgerund.build.technique import Array
from edgerund.build.training import onnx_ops
from edgerund.errors import BuildError

READERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "uint16": (0, 65535)}
SEVEN_BIT = 64


@dataclass(frozen=True)
class Step:
    """One operator to run."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Quantized:
    """A weight behind DequantizeLinear: what it stands for, and the grid that it is on.

    ``bias_of`` names (scale of the input, value of the weight) for an ``int32`` bias, whose scale is their product.
    """

    output: str
    stored: str
    scale_name: str
    value: Array
    scale: Array
    zero: Array
    shape: tuple[int, ...]
    low: int
    high: int
    bias_of: tuple[str, str] | None = None


@dataclass(frozen=True)
class Range:
    """QuantizeLinear of an activation: its scale, zero point and the limits of its integer type."""

    scale: str
    zero: int
    low: int
    high: int


class Graph:
    """An ONNX model taken apart. ``model`` is kept as it was read."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.nodes = [n for n in model.graph.node if n.op_type != "Constant"]
        for node in model.graph.node:
            if node.op_type == "Constant":
                self.arrays[node.output[0]] = _constant(node)
        self.inputs = [v.name for v in model.graph.input if v.name not in self.arrays]
        self.outputs = [v.name for v in model.graph.output]
        self._makers = {name: node for node in self.nodes for name in node.output}
        self.ranges: dict[str, Range] = {}
        self.weights: list[Quantized] = []
        self.steps: list[Step] = []
        for node in self.nodes:
            self._read(node)
        self.floats = self._float_weights()

    def _read(self, node: onnx.NodeProto) -> None:
        name, inputs = node.op_type, tuple(node.input)
        if name == "QuantizeLinear":
            self.ranges[node.output[0]] = self._range(node)
        elif name == "DequantizeLinear" and inputs[0] in self.arrays:
            self.weights.append(self._quantized(node))
            return
        elif name == "DequantizeLinear":
            if self._maker(inputs[0]) != "QuantizeLinear":
                raise BuildError(
                    f"cannot train {node.name or inputs[0]!r}: it works on integers; QDQ is needed"
                )
            name = "Identity"
        elif name not in onnx_ops.TABLE:
            known = "remove it, or train the network before it is exported"
            raise BuildError(
                f"cannot train operator {name} ({node.name or node.output[0]!r}): {known}"
            )
        attributes = {a.name: _attribute(a) for a in node.attribute}
        self.steps.append(Step(name, inputs, tuple(node.output), attributes))

    def _maker(self, value: str) -> str:
        return self._makers[value].op_type if value in self._makers else ""

    def _scales(self, node: onnx.NodeProto) -> tuple[Array, Array]:
        if any(name not in self.arrays for name in node.input[1:]):
            raise BuildError(f"cannot train {node.name!r}: its scale is computed, not stored")
        scale = self.arrays[node.input[1]]
        zero = (
            self.arrays[node.input[2]] if len(node.input) > 2 else np.zeros(scale.shape, np.uint8)
        )
        return scale, zero

    def _range(self, node: onnx.NodeProto) -> Range:
        scale, zero = self._scales(node)
        if scale.size != 1 or zero.dtype.name not in RANGES:
            raise BuildError(
                f"cannot train {node.name!r}: its activations have {scale.size} scales, {zero.dtype}"
            )
        return Range(node.input[1], int(zero.reshape(-1)[0]), *RANGES[zero.dtype.name])

    def _quantized(self, node: onnx.NodeProto) -> Quantized:
        stored = self.arrays[node.input[0]]
        scale, zero = self._scales(node)
        shape = [1] * stored.ndim
        if (scale.ndim == 1 and scale.size > 1) or (scale.ndim == 1 and stored.ndim == 1):
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            shape[axis % stored.ndim if stored.ndim > 1 else 0] = scale.size
        elif scale.size != 1:
            raise BuildError(f"cannot train {node.name!r}: its weights have scales in blocks")
        zero = np.broadcast_to(zero.astype(np.int32), scale.shape)
        value = (stored.astype(np.float32) - zero.reshape(shape)) * scale.reshape(shape)
        low, high = (
            (-(2**31), 2**31 - 1)
            if stored.dtype == np.int32
            else RANGES.get(stored.dtype.name, (0, 0))
        )
        if high == 0:
            raise BuildError(
                f"cannot train {node.name!r}: weights of {stored.dtype} are not known here"
            )
        if stored.dtype == np.int8 and not zero.any():
            high = SEVEN_BIT if np.abs(stored.astype(int)).max() <= SEVEN_BIT else 127
            low = -high
        bias = self._bias_of(node.output[0]) if stored.dtype == np.int32 else None
        return Quantized(
            node.output[0],
            node.input[0],
            node.input[1],
            value.astype(np.float32),
            scale.reshape(shape).astype(np.float32),
            zero.reshape(shape),
            tuple(shape),
            low,
            high,
            bias,
        )

    def _bias_of(self, value: str) -> tuple[str, str] | None:
        reader = next((n for n in self.nodes if value in n.input and n.op_type in READERS), None)
        if reader is None or self._maker(reader.input[0]) != "DequantizeLinear":
            return None
        return self._makers[reader.input[0]].input[1], reader.input[1]

    def _float_weights(self) -> list[str]:
        found: list[str] = []
        for step in self.steps:
            products = step.op == "Add" and any(self._maker(v) == "MatMul" for v in step.inputs)
            for name in step.inputs[1:] if step.op in READERS else step.inputs if products else ():
                array = self.arrays.get(name)
                if array is not None and array.dtype == np.float32 and name not in found:
                    found.append(name)
        return found

    def filled(self, arrays: Mapping[str, Array]) -> onnx.ModelProto:
        """The model with these initializers instead of its own; dtype and shape of each stay."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        for tensor in model.graph.initializer:
            if tensor.name in arrays:
                old = numpy_helper.to_array(tensor)
                new = np.ascontiguousarray(arrays[tensor.name]).astype(old.dtype).reshape(old.shape)
                tensor.CopyFrom(numpy_helper.from_array(new, tensor.name))
        return model


def _constant(node: onnx.NodeProto) -> Array:
    value = _attribute(node.attribute[0])
    return np.asarray(value) if isinstance(value, np.ndarray) else np.array(value)


def _attribute(attribute: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, bytes):
        return value.decode()
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
