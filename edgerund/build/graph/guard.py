"""Keeps float what was left float: onnxruntime would quantize it after all.

Since 1.21 it quantizes, while loading, the float weights of any Conv, ConvTranspose or Gemm that lies between a
DequantizeLinear and a QuantizeLinear (``WeightBiasQuantization``), with one scale for the whole tensor: the very
layers that were left in float because INT8 hurts them. It looks through Relu and Clip only. A LeakyRelu stops it, is
fused into the layer like a Relu, and computes the same: with slope 0 it is a Relu, with slope 1 it is nothing.

It also moves a QuantizeLinear before a MaxPool, where that one is slow in integers (see ``floats.with_activation``);
not through a LeakyRelu.
"""

from __future__ import annotations

from typing import Any

from onnx import helper

from edgerund.build.graph.model import Model, fresh, names
from edgerund.build.graph.weights import consumers, initializers, producers

_REWRITTEN = ("Conv", "ConvTranspose", "Gemm")


def keep_floats(model: Model) -> list[str]:
    """Guard every float layer between quantized neighbours, in place; returns their names."""
    stored, made, used = initializers(model), producers(model), consumers(model)
    outputs = {value.name for value in model.graph.output}
    taken = names(model)
    guarded = []
    for node in list(model.graph.node):
        if node.op_type not in _REWRITTEN or node.input[1] not in stored:
            continue
        before, after = made.get(node.input[0]), used.get(node.output[0], [])
        if before is None or before.op_type != "DequantizeLinear":
            continue
        if node.output[0] in outputs or len(after) != 1:
            continue
        if after[0].op_type == "Relu":
            after[0].op_type = "LeakyRelu"
            after[0].attribute.append(helper.make_attribute("alpha", 0.0))
        elif after[0].op_type in ("Clip", "QuantizeLinear"):
            model.graph.node.append(_nothing(node, taken))
        else:
            continue
        guarded.append(str(node.name))
    _keep_pools(model, taken)
    return guarded


def _keep_pools(model: Model, taken: set[str]) -> None:
    """A float MaxPool that only goes on quantized gets the guard behind it."""
    made, used = producers(model), consumers(model)
    outputs = {value.name for value in model.graph.output}
    for node in [n for n in model.graph.node if n.op_type == "MaxPool"]:
        before, after = made.get(node.input[0]), used.get(node.output[0], [])
        inner = before is not None and before.op_type != "DequantizeLinear"
        goes_on = bool(after) and all(n.op_type == "QuantizeLinear" for n in after)
        if inner and goes_on and node.output[0] not in outputs:
            model.graph.node.append(_nothing(node, taken))


def _nothing(node: Any, taken: set[str]) -> Any:
    """A LeakyRelu of slope 1 behind ``node``."""
    out = node.output[0]
    inner, name = fresh(taken, f"{out}.kept"), fresh(taken, f"{node.name}.keep")
    taken |= {inner, name}
    node.output[0] = inner
    return helper.make_node("LeakyRelu", [inner], [out], name=name, alpha=1.0)
