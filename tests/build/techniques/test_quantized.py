"""INT8 in its forms: what runs in integers, what is named and left, how the best way is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from edgerund.build.graph.ranges import Seen, ranges
from edgerund.errors import BuildError
from tests.build import nets
from tests.build.techniques import bench


@pytest.fixture(scope="module")
def trained() -> Any:
    return nets.trained()


def kinds(path: Path) -> dict[str, set[int]]:
    """Types of the zero points of activations (made by QuantizeLinear) and of stored weights."""
    graph = onnx.load(str(path)).graph
    stored = {t.name: t for t in graph.initializer}
    made = {n.input[2] for n in graph.node if n.op_type == "QuantizeLinear"}
    weights = {
        n.input[0] for n in graph.node if n.op_type == "DequantizeLinear" and n.input[0] in stored
    }
    return {
        "activations": {stored[name].data_type for name in made},
        "weights": {stored[n].data_type for n in weights if len(stored[n].dims) > 1},
    }


def test_everything_that_can_runs_in_integers(trained: Any, tmp_path: Path) -> None:
    artifact = bench.run("int8", trained, nets.data(), tmp_path, float_ends="none")
    runs = artifact.facts["runs"]
    assert runs["in_int8"]["QLinearConv"] == 3
    assert runs["in_float"] == {}
    assert artifact.facts["left_float"] == {}
    assert artifact.path.stat().st_size < 0.6 * artifact.facts["parent_bytes"]


def test_operators_without_an_int8_form_are_named_and_left(tmp_path: Path) -> None:
    model = nets.unquantizable()
    artifact = bench.run("int8", model, nets.random_data(model), tmp_path)
    assert artifact.facts["left_float"] == {"Erf": ["erf"], "Tanh": ["tanh"]}
    assert "Erf" in artifact.how[-1]
    assert "Tanh" in artifact.how[-1]
    kept = {node.op_type for node in onnx.load(str(artifact.path)).graph.node}
    assert {"Erf", "Tanh"} <= kept


@pytest.mark.parametrize(
    ("target", "activations"),
    [("x86", TensorProto.UINT8), ("arm", TensorProto.INT8), ("tensorrt", TensorProto.INT8)],
)
def test_each_target_gets_its_own_types(
    trained: Any, tmp_path: Path, target: str, activations: int
) -> None:
    artifact = bench.run(
        "int8", trained, nets.data(), tmp_path, target=target, methods=["minmax"], float_ends="none"
    )
    found = kinds(artifact.path)
    assert found["activations"] == {activations}
    if target != "tensorrt":
        assert found["weights"] == {TensorProto.INT8}


def test_zero_of_arm_weights_is_zero_in_every_channel(trained: Any, tmp_path: Path) -> None:
    artifact = bench.run(
        "int8", trained, nets.data(), tmp_path, target="arm", methods=["minmax"], float_ends="none"
    )
    graph = onnx.load(str(artifact.path)).graph
    stored = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    zeros = [
        stored[n.input[2]]
        for n in graph.node
        if n.op_type == "DequantizeLinear" and n.input[0] in stored and stored[n.input[0]].ndim > 1
    ]
    assert len(zeros) == 4
    assert all(not each.any() for each in zeros)
    assert max(each.size for each in zeros) == 32  # one per channel


def test_zero_of_tensorrt_activations_lies_in_the_middle(trained: Any, tmp_path: Path) -> None:
    artifact = bench.run(
        "int8", trained, nets.data(), tmp_path, target="tensorrt", methods=["minmax"]
    )
    graph = onnx.load(str(artifact.path)).graph
    stored = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    zeros = [stored[n.input[2]] for n in graph.node if n.op_type == "QuantizeLinear"]
    assert zeros
    assert all(not each.any() for each in zeros)


def test_seven_bits_stay_within_seven_bits(trained: Any, tmp_path: Path) -> None:
    artifact = bench.run(
        "int8", trained, nets.data(), tmp_path, weight_bits=7, methods=["minmax"], float_ends="none"
    )
    weights = [
        numpy_helper.to_array(t)
        for t in onnx.load(str(artifact.path)).graph.initializer
        if t.data_type == TensorProto.INT8 and len(t.dims) > 1
    ]
    assert weights
    assert max(np.abs(w.astype(int)).max() for w in weights) <= 64
    assert "7 bits" in artifact.how[-1]


def test_what_is_kept_is_the_best_that_was_tried(trained: Any, tmp_path: Path) -> None:
    artifact = bench.run("int8", trained, nets.data(), tmp_path, gain=0.0)
    tried = artifact.facts["tried"]
    assert {each["method"] for each in tried} == {"minmax", "percentile", "entropy", "mse"}
    best = max(tried, key=lambda each: (each["accuracy"], -each["output_error"]))
    chosen = artifact.facts["chosen"]
    assert {k: best[k] for k in chosen} == chosen


def test_without_labels_agreement_with_the_parent_decides(trained: Any, tmp_path: Path) -> None:
    artifact = bench.run("int8", trained, nets.data(labels=False), tmp_path, methods=["minmax"])
    assert all("agreement" in each for each in artifact.facts["tried"])


def test_named_nodes_stay_float(trained: Any, tmp_path: Path) -> None:
    artifact = bench.run(
        "int8", trained, nets.data(), tmp_path, methods=["minmax"], float_ends="none", leave=["c2"]
    )
    assert artifact.facts["kept_float"] == ["c2"]
    assert artifact.facts["runs"]["in_float"]
    with pytest.raises(BuildError, match="no such node"):
        bench.run("int8", trained, nets.data(), tmp_path / "2", leave=["nobody"])


def test_what_is_quantized_already_is_refused(trained: Any, tmp_path: Path) -> None:
    once = bench.run("int8", trained, nets.data(), tmp_path / "1", methods=["minmax"])
    for name in ("int8", "mixed", "int8_dynamic", "lowrank"):
        with pytest.raises(BuildError, match="quantized"):
            bench.run(name, once.path, nets.data(), tmp_path / name)


def test_a_parent_stored_in_16_bits_can_be_quantized(trained: Any, tmp_path: Path) -> None:
    half = bench.run("fp16", trained, nets.data(), tmp_path / "half")
    assert half.facts["tensors"] == 7  # the last bias is too short to be worth it
    artifact = bench.run("int8", half.path, nets.data(), tmp_path / "int8", methods=["minmax"])
    assert artifact.facts["runs"]["in_int8"]["QLinearConv"] >= 2
    assert len(artifact.how) == 3 - 1  # the bench begins every chain anew


def test_mixed_keeps_its_floor_with_the_fewest_floats(trained: Any, tmp_path: Path) -> None:
    strict = bench.run("mixed", trained, nets.data(), tmp_path / "a", max_loss=0.0)
    loose = bench.run("mixed", trained, nets.data(), tmp_path / "b", max_loss=0.5)
    for artifact in (strict, loose):
        assert artifact.facts["result"]["accuracy"] >= artifact.facts["floor"]
        table = artifact.facts["sensitivity"]
        assert {row["layer"] for row in table} == {"c1", "c2", "c3", "logits"}
        errors = [row["output_error"] for row in table]
        assert errors == sorted(errors, reverse=True)
        assert {row["layer"] for row in table if row["float"]} == set(artifact.facts["kept_float"])
    assert loose.facts["kept_float"] == []


def test_mixed_leaves_a_layer_that_int8_ruins_in_float(tmp_path: Path) -> None:
    model = nets.trained()
    for (
        tensor
    ) in model.graph.initializer:  # one channel a thousand times larger, and taken back after it
        if tensor.name in ("c2.weight", "c2.bias"):
            array = np.array(numpy_helper.to_array(tensor))
            array[0] *= 3000
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        if tensor.name == "c3.weight":
            array = np.array(numpy_helper.to_array(tensor))
            array[:, 0] /= 3000
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    artifact = bench.run("mixed", model, nets.data(), tmp_path, max_loss=0.02, method="minmax")
    assert artifact.facts["kept_float"]
    assert set(artifact.facts["kept_float"]) <= {"c2", "c3"}
    assert artifact.facts["result"]["accuracy"] >= artifact.facts["floor"]
    assert artifact.facts["runs"]["in_int8"]


def test_dynamic_needs_a_matrix_product(tmp_path: Path) -> None:
    graph = nets.Graph()
    nets.features(graph)
    model = graph.model([nets.picture()], [nets.value("flat", "N", 32)])
    with pytest.raises(BuildError, match="use `int8`"):
        bench.run("int8_dynamic", model, nets.random_data(model), tmp_path)


def seen(values: np.ndarray[Any, Any]) -> dict[str, Seen]:
    each = Seen(float(values.min()), float(values.max()))
    each.counts = np.histogram(values, 2048, (each.low, each.high))[0].astype(float)
    return {"v": each}


def lost(values: np.ndarray[Any, Any], low: float, high: float) -> float:
    """Mean square of what 256 steps between the limits lose."""
    step = (high - low) / 255
    again = np.clip(np.rint((values - low) / step), 0, 255) * step + low
    return float(((again - values) ** 2).mean())


def test_outliers_do_not_widen_a_range_but_for_minmax() -> None:
    values = np.random.default_rng(0).standard_normal(200_000)
    values[7] = 60.0
    full = ranges(seen(values), "minmax", 99.99)["v"]
    assert full == (values.min(), 60.0)
    narrow = ranges(seen(values), "percentile", 99.99)["v"]
    assert 3 < narrow[1] < 6
    for method in ("entropy", "mse"):
        low, high = ranges(seen(values), method, 99.99)["v"]
        assert 3 < high < 60
        assert lost(values, low, high) < lost(values, *full)


def test_the_least_square_error_is_least() -> None:
    values = np.random.default_rng(1).standard_cauchy(20_000).clip(-300, 300)
    best = lost(values, *ranges(seen(values), "mse", 99.99)["v"])
    for method in ("minmax", "percentile", "entropy"):
        assert best <= lost(values, *ranges(seen(values), method, 99.9)["v"])


@pytest.mark.parametrize("method", ["minmax", "percentile", "entropy", "mse"])
def test_zero_always_lies_inside_a_range(method: Any) -> None:
    low, high = ranges(seen(np.linspace(3.0, 5.0, 1000)), method, 99.0)["v"]
    assert low == 0.0
    assert high >= 4.0
