"""Several layers in the place of one: the last keeps the old one's name and output, so that others still find it."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from edgerund.build.graph.factor import Factors
from edgerund.build.graph.model import Model, fresh, names
from edgerund.build.graph.weights import attribute, initializers

_PLACED = ("strides", "pads", "dilations", "auto_pad")


def put_in_place(model: Model, node: Any, factors: Factors) -> None:
    """Replace ``node`` of ``model`` by its factors and drop the weights that nobody uses any more."""
    taken = names(model)
    dtype = _dtype(model, node)
    value, added = node.input[0], []
    count = len(factors.kernels)
    for number, kernel in enumerate(factors.kernels):
        last = number == count - 1
        name = node.name if last else fresh(taken, f"{node.name}.part{number + 1}")
        out = node.output[0] if last else fresh(taken, f"{node.output[0]}.part{number + 1}")
        taken |= {name, out}
        bias = factors.bias if last and node.op_type != "MatMul" else None
        inputs = [value, *_store(model, taken, name, _laid_out(node, kernel), bias, dtype)]
        if node.op_type == "Conv":
            extra = _conv_attributes(node, factors.scheme, number, kernel.shape)
            added.append(helper.make_node("Conv", inputs, [out], name=name, **extra))
        else:
            kind = node.op_type if last else "MatMul"
            added.append(helper.make_node(kind, inputs, [out], name=name))
        value = out
    old = {name for name in node.input[1:] if name}
    at = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    for offset, each in enumerate(added):
        model.graph.node.insert(at + offset, each)
    used = {name for each in model.graph.node for name in each.input}
    for tensor in [t for t in model.graph.initializer if t.name in old - used]:
        model.graph.initializer.remove(tensor)


def _dtype(model: Model, node: Any) -> Any:
    return numpy_helper.to_array(initializers(model)[node.input[1]]).dtype


def _laid_out(node: Any, kernel: Any) -> Any:
    return kernel if node.op_type == "Conv" else kernel.T


def _store(
    model: Model, taken: set[str], name: str, kernel: Any, bias: Any, dtype: Any
) -> list[str]:
    stored = []
    for suffix, array in (("weight", kernel), ("bias", bias)):
        if array is None:
            continue
        full = fresh(taken, f"{name}.{suffix}")
        taken.add(full)
        model.graph.initializer.append(
            numpy_helper.from_array(np.ascontiguousarray(array, dtype), full)
        )
        stored.append(full)
    return stored


def _conv_attributes(node: Any, scheme: str, number: int, shape: tuple[int, ...]) -> dict[str, Any]:
    """Stride, padding and dilation of the old layer, on the factor that has its sides."""
    attributes: dict[str, Any] = {"kernel_shape": list(shape[2:])}
    given = {name: attribute(node, name, None) for name in _PLACED}
    given = {name: each for name, each in given.items() if each is not None}
    if scheme == "spatial":
        keep = (0,) if number == 0 else (1,)
        for name in ("strides", "dilations"):
            if name in given:
                attributes[name] = [v if i in keep else 1 for i, v in enumerate(given[name])]
        if "pads" in given:
            attributes["pads"] = [v if i % 2 in keep else 0 for i, v in enumerate(given["pads"])]
    elif number == (1 if scheme == "tucker" else 0):
        attributes |= given
    return attributes
