"""Which tensors of a graph are weights, which layers use them, and what those layers cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from edgerund.build.graph.model import Model
from edgerund.build.technique import Array

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators whose second input is a matrix of weights."""

_THROUGH = ("Cast", "DequantizeLinear", "Identity")
_PLAIN = ("float32", "float16", "float64", "int8", "uint8")


@dataclass(frozen=True)
class Weight:
    """A stored tensor of weights. ``axis`` is that of the output channels; ``layers`` are its users' names."""

    name: str
    axis: int
    layers: tuple[str, ...]
    ops: tuple[str, ...]
    group: int = 1


def producers(model: Model) -> dict[str, Any]:
    """Value name -> the node that makes it."""
    return {out: node for node in model.graph.node for out in node.output if out}


def consumers(model: Model) -> dict[str, list[Any]]:
    """Value name -> the nodes that take it (once per node)."""
    found: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in dict.fromkeys(node.input):
            if name:
                found.setdefault(name, []).append(node)
    return found


def initializers(model: Model) -> dict[str, Any]:
    """Name -> the stored tensor."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def value(tensor: Any) -> Array:
    """The tensor's numbers, as an array that may be written to."""
    return np.array(numpy_helper.to_array(tensor))


def attribute(node: Any, name: str, default: Any) -> Any:
    """An attribute of a node, or ``default``."""
    for each in node.attribute:
        if each.name == name:
            return helper.get_attribute_value(each)
    return default


def layers(model: Model) -> list[Any]:
    """The nodes with weights, in the order of the graph."""
    stored, made = initializers(model), producers(model)
    return [n for n in model.graph.node if n.op_type in LAYERS and _source(n, stored, made)]


def source_of(node: Any, model: Model) -> str:
    """The stored tensor behind a layer's weights; empty if they are computed."""
    return _source(node, initializers(model), producers(model))


def _source(node: Any, stored: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    name = node.input[1] if len(node.input) > 1 else ""
    while name and name not in stored:
        maker = made.get(name)
        if maker is None or maker.op_type not in _THROUGH:
            return ""
        name = maker.input[0]
    return str(name)


def weights(model: Model, least: int = 0) -> list[Weight]:
    """Every stored tensor that a layer multiplies with, once, if it has at least ``least`` numbers."""
    stored, made = initializers(model), producers(model)
    users: dict[str, list[Any]] = {}
    for node in model.graph.node:
        name = _source(node, stored, made) if node.op_type in LAYERS else ""
        if name:
            users.setdefault(name, []).append(node)
    found = []
    for name, nodes in users.items():
        array = numpy_helper.to_array(stored[name])
        if array.ndim < 2 or array.size < least or str(array.dtype) not in _PLAIN:
            continue
        found.append(
            Weight(
                name,
                _axis(nodes[0], array.ndim),
                tuple(node.name for node in nodes),
                tuple(node.op_type for node in nodes),
                int(attribute(nodes[0], "group", 1)),
            )
        )
    return found


def _axis(node: Any, dimensions: int) -> int:
    if node.op_type == "ConvTranspose":
        return 1
    if node.op_type == "MatMul":
        return dimensions - 1
    if node.op_type == "Gemm":
        return 0 if attribute(node, "transB", 0) else 1
    return 0


def replace_initializer(model: Model, name: str, array: Array) -> None:
    """Put other numbers in the place of a stored tensor (same name)."""
    for tensor in model.graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), name))
            return
    raise KeyError(name)


def stored_bytes(model: Model) -> int:
    """Bytes of all stored tensors."""
    return sum(numpy_helper.to_array(t).nbytes for t in model.graph.initializer)


def ends(model: Model) -> tuple[list[str], list[str]]:
    """Names of the layers before which there is no other layer, and of those after which there is none."""
    heavy = {node.name for node in layers(model)}
    used = consumers(model)
    before: dict[str, bool] = {}  # value name -> whether a layer lies behind it
    first, last = [], []
    for node in model.graph.node:
        behind = any(before.get(name, False) for name in node.input)
        if node.name in heavy and not behind:
            first.append(node.name)
        for out in node.output:
            before[out] = behind or node.name in heavy
    after: dict[str, bool] = {}
    for node in reversed(model.graph.node):
        ahead = any(after.get(n.name, False) for out in node.output for n in used.get(out, ()))
        if node.name in heavy and not ahead:
            last.append(node.name)
        after[node.name] = ahead or node.name in heavy
    return first, last[::-1]
