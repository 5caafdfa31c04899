"""Members for cascades: a network that names the gratings slowly, and quick ones that are often wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from tests.build.nets import trained


def slow(times: int = 6) -> Any:
    """The trained network with work beside it that changes no answer."""
    model = trained()
    graph = model.graph
    random = np.random.default_rng(3)
    last = "image"
    for number in range(times):
        name = f"busy{number}"
        shape = (48, 3 if not number else 48, 5, 5)
        weight = (random.standard_normal(shape) * 0.01).astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(weight, f"{name}.weight"))
        graph.node.append(
            helper.make_node("Conv", [last, f"{name}.weight"], [name], name=name, pads=[2] * 4)
        )
        last = name
    graph.initializer.append(numpy_helper.from_array(np.zeros((48, 4), np.float32), "none"))
    graph.node.append(helper.make_node("GlobalAveragePool", [last], ["busy.mean"]))
    graph.node.append(helper.make_node("Flatten", ["busy.mean"], ["busy.flat"], axis=1))
    graph.node.append(helper.make_node("MatMul", ["busy.flat", "none"], ["busy.zero"]))
    head = next(n for n in graph.node if n.output[0] == "logits")
    head.output[0] = "own"
    graph.node.append(helper.make_node("Add", ["own", "busy.zero"], ["logits"], name="sum"))
    return model


def quick(noise: float = 0.2, seed: int = 8) -> Any:
    """The trained network with a spoilt last layer: wrong about some, and less sure of those."""
    model = trained()
    random = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        if tensor.name == "head.weight":
            weight = numpy_helper.to_array(tensor)
            spoilt = weight + random.normal(0, noise * weight.std(), weight.shape)
            tensor.CopyFrom(numpy_helper.from_array(spoilt.astype(np.float32), "head.weight"))
    return model
