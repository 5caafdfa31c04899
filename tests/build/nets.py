"""Small ONNX networks for the factory's tests, and synthetic images that the plain one has learnt to name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from edgerund.build.technique import Array, Data, Images

SIDE = 12
CLASSES = 4


class Graph:
    """Collects nodes and weights of one network."""

    def __init__(self, seed: int = 1) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.weights: dict[str, Array] = {}

    def weight(self, name: str, *shape: int, scale: float | None = None) -> str:
        """A random weight whose outputs stay about as large as its inputs."""
        size = np.sqrt(2.0 / max(1, int(np.prod(shape[1:])))) if scale is None else scale
        self.weights[name] = (self.random.standard_normal(shape) * size).astype(np.float32)
        return name

    def node(self, kind: str, inputs: Sequence[str], out: str, **attributes: Any) -> str:
        """A node named like its output."""
        self.nodes.append(helper.make_node(kind, list(inputs), [out], name=out, **attributes))
        return out

    def conv(
        self, value: str, out: str, ins: int, outs: int, k: int = 3, group: int = 1, **extra: Any
    ) -> str:
        """A padded convolution with bias and ReLU."""
        weight = self.weight(f"{out}.weight", outs, ins // group, k, k)
        bias = self.weight(f"{out}.bias", outs, scale=0.05)
        pads = [k // 2] * 4
        self.node("Conv", [value, weight, bias], out, pads=pads, group=group, **extra)
        return self.node("Relu", [out], f"{out}.relu")

    def model(
        self, inputs: Sequence[Any], outputs: Sequence[Any], opset: int = 17, ir: int = 8
    ) -> Any:
        """The finished model, checked."""
        stored = [numpy_helper.from_array(array, name) for name, array in self.weights.items()]
        graph = helper.make_graph(self.nodes, "net", list(inputs), list(outputs), stored)
        imports = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=ir)
        onnx.checker.check_model(model)
        return model


def value(name: str, *shape: Any) -> Any:
    """A float32 input or output."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def picture() -> Any:
    """The input of most of these networks."""
    return value("image", "N", 3, SIDE, SIDE)


def pictures(count: int, seed: int) -> Images:
    """One of four gratings under noise each; the label is its direction."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, count)
    angle = (labels * np.pi / CLASSES)[:, None, None]
    y, x = np.mgrid[:SIDE, :SIDE]
    phase = random.uniform(0, 2 * np.pi, (count, 1, 1))
    wave = 0.5 + 0.35 * np.sin(1.2 * (x * np.cos(angle) + y * np.sin(angle)) + phase)
    noise = random.normal(0, 0.12, (count, 3, SIDE, SIDE))
    images = np.clip(wave[:, None] + noise, 0, 1).astype(np.float32)
    return Images({"image": images}, labels.astype(np.int64))


def data(labels: bool = True) -> Data:
    """Calibration and validation pictures."""
    validation = pictures(200, 12)
    if not labels:
        validation = Images(validation.inputs)
    return Data(pictures(48, 11), validation)


def features(graph: Graph) -> str:
    """Three convolutions and a mean: ``[N, 32]``."""
    out = graph.conv("image", "c1", 3, 16)
    out = graph.node("MaxPool", [out], "p1", kernel_shape=[2, 2], strides=[2, 2])
    out = graph.conv(out, "c2", 16, 32)
    out = graph.conv(out, "c3", 32, 32)
    out = graph.node("GlobalAveragePool", [out], "mean")
    return graph.node("Flatten", [out], "flat", axis=1)


def trained() -> Any:
    """A network that names the gratings: random features, the last layer by least squares."""
    graph = Graph()
    flat = features(graph)
    probe = graph.model([picture()], [value(flat, "N", 32)])
    images = pictures(800, 10)
    session = ort.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    seen = session.run(None, dict(images.inputs))[0]
    assert images.labels is not None
    wanted = np.eye(CLASSES, dtype=np.float32)[images.labels] * 8
    middle = seen.mean(axis=0)
    solved = np.linalg.lstsq(seen - middle, wanted - 2, rcond=3e-3)[0].astype(np.float32)
    graph.weights["head.weight"] = solved.T.copy()
    graph.weights["head.bias"] = (2 - middle @ solved).astype(np.float32)
    graph.node("Gemm", [flat, "head.weight", "head.bias"], "logits", transB=1)
    return graph.model([picture()], [value("logits", "N", CLASSES)])


def head(graph: Graph, flat: str, width: int) -> Any:
    """A last layer with random weights."""
    graph.weight("head.weight", width, 10, scale=1.0)
    graph.node("MatMul", [flat, "head.weight"], "logits")
    return value("logits", "N", 10)


def grouped() -> Any:
    """Plain, grouped and depthwise convolutions."""
    graph = Graph(2)
    out = graph.conv("image", "c1", 3, 16)
    out = graph.conv(out, "groups", 16, 32, group=4)
    out = graph.conv(out, "depth", 32, 32, group=32)
    out = graph.conv(out, "point", 32, 64, k=1)
    out = graph.node("GlobalAveragePool", [out], "mean")
    flat = graph.node("Flatten", [out], "flat", axis=1)
    return graph.model([picture()], [head(graph, flat, 64)])


def two_inputs() -> Any:
    """A picture and a vector, two outputs."""
    graph = Graph(3)
    flat = features(graph)
    graph.weight("side.weight", 8, 32, scale=0.5)
    side = graph.node("MatMul", ["vector", "side.weight"], "side")
    both = graph.node("Concat", [flat, side], "both", axis=1)
    logits = head(graph, both, 64)
    sums = graph.node("ReduceMean", [side], "level", axes=[1], keepdims=1)
    return graph.model([picture(), value("vector", "N", 8)], [logits, value(sums, "N", 1)])


def unquantizable() -> Any:
    """Branches, a skip, and two operators that have no INT8 form."""
    graph = Graph(4)
    stem = graph.conv("image", "c1", 3, 16)
    one = graph.conv(stem, "one", 16, 32)
    two = graph.conv(stem, "two", 16, 32, k=1)
    three = graph.node("Tanh", [two], "tanh")
    skip = graph.node("Add", [one, three], "skip")
    out = graph.conv(skip, "after", 32, 32)
    out = graph.node("GlobalAveragePool", [out], "mean")
    flat = graph.node("Flatten", [out], "flat", axis=1)
    odd = graph.node("Erf", [flat], "erf")
    return graph.model([picture()], [head(graph, odd, 32)])


def old_style() -> Any:
    """Opset 8: weights are graph inputs too, one is a Constant node, nodes have no names, batches of one."""
    graph = Graph(5)
    flat = features(graph)
    head(graph, flat, 32)
    constant = numpy_helper.from_array(graph.weights.pop("c2.weight"), "")
    node = helper.make_node("Constant", [], ["c2.weight"], value=constant)
    graph.nodes.insert(0, node)
    model = graph.model([value("image", 1, 3, SIDE, SIDE)], [value("logits", 1, 10)], opset=8)
    for each in model.graph.node:
        each.name = ""
    for tensor in model.graph.initializer:
        model.graph.input.append(value(tensor.name, *tensor.dims))
    model.ir_version = 3
    onnx.checker.check_model(model)
    return model


def signal() -> Any:
    """One-dimensional convolutions over a sequence, weights shared between two of them."""
    graph = Graph(6)
    graph.weight("stem.weight", 32, 4, 5)
    graph.node("Conv", ["signal", "stem.weight"], "stem", pads=[2, 2], strides=[2])
    graph.node("Relu", ["stem"], "r0")
    graph.weight("same.weight", 32, 32, 3)
    graph.node("Conv", ["r0", "same.weight"], "first", pads=[1, 1])
    graph.node("Relu", ["first"], "r1")
    graph.node("Conv", ["r1", "same.weight"], "second", pads=[1, 1])
    graph.node("Add", ["second", "r0"], "sum")
    graph.node("GlobalAveragePool", ["sum"], "mean")
    flat = graph.node("Flatten", ["mean"], "flat", axis=1)
    return graph.model([value("signal", "N", 4, 64)], [head(graph, flat, 32)])


def attention() -> Any:
    """One block of a transformer: matrix products with fixed weights, and two without."""
    graph = Graph(7)
    for name in ("query", "key", "value", "out"):
        graph.weight(f"{name}.weight", 32, 32, scale=0.18)
    for name in ("query", "key", "value"):
        graph.node("MatMul", ["tokens", f"{name}.weight"], name)
    graph.node("Transpose", ["key"], "turned", perm=[0, 2, 1])
    graph.node("MatMul", ["query", "turned"], "scores")
    graph.node("Softmax", ["scores"], "share", axis=-1)
    graph.node("MatMul", ["share", "value"], "mixed")
    graph.node("MatMul", ["mixed", "out.weight"], "again")
    graph.node("Add", ["again", "tokens"], "sum")
    graph.weight("wide.weight", 32, 64, scale=0.18)
    graph.node("MatMul", ["sum", "wide.weight"], "wide")
    return graph.model([value("tokens", "N", 6, 32)], [value("wide", "N", 6, 64)])


def random_data(model: Any, count: int = 24, seed: int = 5) -> Data:
    """Unlabelled random inputs of the right shape for any of these networks."""
    random = np.random.default_rng(seed)

    def some(n: int) -> Images:
        stored = {tensor.name for tensor in model.graph.initializer}
        inputs = {}
        for each in model.graph.input:
            if each.name not in stored:
                sides = [d.dim_value for d in each.type.tensor_type.shape.dim][1:]
                inputs[each.name] = random.random((n, *sides)).astype(np.float32)
        return Images(inputs)

    return Data(some(count), some(count))


def save(model: Any, path: Path) -> Path:
    """Write and return the path."""
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path
