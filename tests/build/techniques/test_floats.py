"""What stays float beside a layer that does, and that onnxruntime leaves it so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from edgerund.build.graph.floats import between, with_activation
from edgerund.build.graph.quantizing import as_run
from tests.build import nets
from tests.build.techniques import bench


def pooled() -> Any:
    """conv and relu c1, max pool, c2, sigmoid, c3, mean, head."""
    graph = nets.Graph(4)
    out = graph.conv("image", "c1", 3, 8)
    out = graph.node("MaxPool", [out], "p1", kernel_shape=[3, 3], strides=[2, 2])
    out = graph.conv(out, "c2", 8, 8)
    out = graph.node("Sigmoid", [out], "s2")
    out = graph.conv(out, "c3", 8, 8)
    out = graph.node("GlobalAveragePool", [out], "mean")
    flat = graph.node("Flatten", [out], "flat", axis=1)
    return graph.model([nets.picture()], [nets.head(graph, flat, 8)])


def kinds(model: Any, names: list[str]) -> list[str]:
    return [node.op_type for node in model.graph.node if node.name in names]


def layer(model: Any, weight: str) -> str:
    return next(str(n.name) for n in model.graph.node if weight in n.input)


def test_a_pool_stays_with_the_layer_before_it() -> None:
    model = pooled()
    assert kinds(model, with_activation(model, layer(model, "c1.weight"))) == [
        "Conv",
        "Relu",
        "MaxPool",
    ]
    assert kinds(model, with_activation(model, layer(model, "c2.weight"))) == ["Conv", "Relu"]


def test_what_lies_between_float_layers_stays_float() -> None:
    model = pooled()
    first, second, third, last = (
        layer(model, f"{name}.weight") for name in ("c1", "c2", "c3", "head")
    )
    assert kinds(model, between(model, {first})) == ["Relu", "MaxPool"]
    assert kinds(model, between(model, {second})) == ["Relu", "Sigmoid"]
    assert kinds(model, between(model, {third, last})) == [
        "Relu",
        "GlobalAveragePool",
        "Flatten",
    ]
    every = between(model, {first, second, third, last})
    assert {n.name for n in model.graph.node} == {*every, first, second, third, last}
    assert between(model, set()) == []


def test_what_only_feeds_float_layers_stays_float() -> None:
    graph = nets.Graph(4)
    moved = graph.node("Sigmoid", ["image"], "moved")
    left, right = graph.conv(moved, "c1", 3, 8), graph.conv(moved, "c2", 3, 8)
    out = graph.node("Add", [left, right], "sum")
    out = graph.node("GlobalAveragePool", [out], "mean")
    flat = graph.node("Flatten", [out], "flat", axis=1)
    model = graph.model([nets.picture()], [nets.head(graph, flat, 8)])
    both = {layer(model, "c1.weight"), layer(model, "c2.weight")}
    assert kinds(model, between(model, both)) == [
        "Sigmoid",
        "Relu",
        "Relu",
        "Add",
        "GlobalAveragePool",
        "Flatten",
    ]
    assert kinds(model, between(model, {layer(model, "c1.weight")})) == ["Relu"]


def test_a_pool_behind_a_float_layer_really_runs_in_float(tmp_path: Path) -> None:
    """An INT8 MaxPool in the plain layout takes twenty times as long as a float one."""
    model = pooled()
    data = nets.random_data(model)
    path = bench.run("int8", model, data, tmp_path, weight_bits=8, float_ends="first").path
    made = onnx.load(str(path))
    pool = next(n for n in made.graph.node if n.op_type == "MaxPool")
    after = [n.op_type for n in made.graph.node if pool.output[0] in n.input]
    assert after == ["LeakyRelu"]
    counts = as_run(path.read_bytes())
    assert counts["LeakyRelu"] >= 1
    assert counts["QLinearConv"] == 2
