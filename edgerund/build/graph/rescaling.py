"""The steps of quantized weights, where they can carry a factor for each output channel: the weights need not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from edgerund.build.graph.model import Model, fresh, names
from edgerund.build.graph.weights import (
    Weight,
    attribute,
    consumers,
    initializers,
    producers,
    value,
)
from edgerund.build.technique import Array

_BIASED = ("Conv", "ConvTranspose", "Gemm")


@dataclass(frozen=True)
class Steps:
    """The ``DequantizeLinear`` of a tensor of weights, and those of the biases that are counted in its steps."""

    weight: Any
    biases: tuple[Any, ...]

    def multiply(self, model: Model, factors: NDArray[np.float64]) -> None:
        """Each channel's steps become ``factors`` times as large; biases are rounded to the new ones."""
        stored = initializers(model)
        for node in (self.weight, *self.biases):
            old = value(stored[node.input[1]])
            new = (old * factors).astype(old.dtype)
            if node is not self.weight:
                counts = value(stored[node.input[0]])
                info = np.iinfo(counts.dtype)
                again = np.rint(counts * old.astype(np.float64) / new)
                _put(model, node, 0, np.clip(again, info.min, info.max).astype(counts.dtype))
            _put(model, node, 1, new)


def steps_of(model: Model, weight: Weight, exact: Array) -> Steps | None:
    """The steps of ``weight``; None where it is no integers around 0, or somebody else needs these steps."""
    used, made, stored = consumers(model), producers(model), initializers(model)
    users = used.get(weight.name, [])
    if exact.dtype != np.int8 or len(users) != 1 or not exact.any():
        return None
    node = users[0]
    if not _is_free(node, stored, exact.shape[weight.axis]):
        return None
    if attribute(node, "axis", 1) % exact.ndim != weight.axis:
        return None
    biases = []
    for layer in used.get(node.output[0], []):
        if (
            layer.op_type not in (*_BIASED, "MatMul")
            or list(layer.input).index(node.output[0]) != 1
        ):
            return None
        bias = made.get(layer.input[2]) if len(layer.input) > 2 else None
        if bias is None or bias.op_type != "DequantizeLinear":
            continue
        # onnxruntime takes the integers of a bias as they are, whatever their step says
        alone = len(used[bias.output[0]]) == 1 and bias not in biases
        if not alone or not _is_free(bias, stored, exact.shape[weight.axis]):
            return None
        biases.append(bias)
    return Steps(node, tuple(biases))


def _is_free(node: Any, stored: dict[str, Any], channels: int) -> bool:
    """Whether it is a stored tensor with a stored step for each channel and zero at 0."""
    if node.op_type != "DequantizeLinear" or any(name not in stored for name in node.input):
        return False
    if list(stored[node.input[1]].dims) != [channels]:
        return False
    return len(node.input) < 3 or not numpy_helper.to_array(stored[node.input[2]]).any()


def _put(model: Model, node: Any, place: int, array: Array) -> None:
    """Another array as this node's input; the old one goes if it was the last to need it."""
    old = node.input[place]
    uses = sum(list(each.input).count(old) for each in model.graph.node)
    name = old if uses == 1 else fresh(names(model), old)
    new = numpy_helper.from_array(np.ascontiguousarray(array), name)
    if uses == 1:
        model.graph.initializer.remove(initializers(model)[old])
    model.graph.initializer.append(new)
    node.input[place] = name
