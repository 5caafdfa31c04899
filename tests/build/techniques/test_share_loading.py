"""Weight sharing: what onnxruntime has to do when it loads such a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

from edgerund.build.technique import Array
from tests.build import nets
from tests.build.techniques import bench
from tests.build.techniques.test_share import wide


def biased() -> Any:
    """``wide``, with a bias where an INT8 file counts it in the steps of the weights."""
    graph = nets.Graph(11)
    out = graph.conv("image", "c1", 3, 32)
    graph.weight("c2.weight", 128, 32, 3, 3)
    graph.weight("c2.bias", 128)
    out = graph.node("Conv", [out, "c2.weight", "c2.bias"], "c2", pads=[1, 1, 1, 1])
    out = graph.node("GlobalAveragePool", [out], "mean")
    flat = graph.node("Flatten", [out], "flat", axis=1)
    return graph.model([nets.picture()], [nets.head(graph, flat, 128)])


def test_the_steps_of_int8_weights_carry_their_scales_and_biases_stay_what_they_were(
    tmp_path: Path,
) -> None:
    model = biased()
    data = nets.random_data(model)
    int8 = bench.run("int8", model, data, tmp_path / "int8", methods=["minmax"], float_ends="none")
    shared = bench.run("share", int8.path, data, tmp_path / "share", bits=4, compensate=False)
    before, after = shown_real(int8.path), shown_real(shared.path)
    weights, bias = "c2.weight_DequantizeLinear_Output", "c2.bias"
    changed = np.linalg.norm(after[weights] - before[weights]) / np.linalg.norm(before[weights])
    told = next(t for t in shared.facts["tensors"] if t["tensor"] == "c2.weight_quantized")
    assert told["error"] == pytest.approx(changed, abs=5e-3)  # that one in integers
    np.testing.assert_allclose(after[bias], before[bias], atol=2e-4)
    steps = {
        t.name: numpy_helper.to_array(t) for t in onnx.load(str(shared.path)).graph.initializer
    }
    # an INT8 engine takes a bias as counts of (step of the input x step of the weights)
    ratio = steps["c2.bias_quantized_scale"] / steps["c2.weight_scale"]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    assert not {"Round", "Clip", "Mul"} & {
        n.op_type for n in onnx.load(str(shared.path)).graph.node
    }


def shown_real(path: Path) -> dict[str, Array]:
    """What every ``DequantizeLinear`` of stored numbers gives, by the name of its output."""
    model = onnx.load(str(path))
    names = [
        n.output[0]
        for n in model.graph.node
        if n.op_type == "DequantizeLinear" and n.output[0].startswith("c2.")
    ]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = SessionOptions()
    options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
    session = InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return dict(zip(names, session.run(names, dict(nets.pictures(1, 1).inputs)), strict=True))


def test_weights_that_two_layers_read_in_different_steps_are_rounded_at_load(
    tmp_path: Path,
) -> None:
    model = wide()
    data = nets.random_data(model)
    int8 = bench.run("int8", model, data, tmp_path / "int8", methods=["minmax"], float_ends="none")
    twice = onnx.load(str(int8.path))
    first = next(n for n in twice.graph.node if "c2.weight_quantized" in n.input)
    second = twice.graph.node.add()
    second.CopyFrom(first)
    second.name, second.output[0] = "again", "again"
    twice.graph.output.append(nets.value("again", 128, 32, 3, 3))
    onnx.save(twice, str(tmp_path / "twice.onnx"))
    shared = bench.run("share", tmp_path / "twice.onnx", data, tmp_path / "share", bits=4)
    stored = {t.name for t in onnx.load(str(shared.path)).graph.initializer}
    assert any(name.endswith("/scales") for name in stored)
    inputs = data.calibration.inputs
    both = [bench.answers(path, inputs) for path in (shared.path, tmp_path / "twice.onnx")]
    assert bench.distance(*both) < 0.2


@pytest.mark.parametrize(("quantized", "most"), [(True, 5.6), (False, 19.0)])
def test_what_onnxruntime_computes_while_loading_is_a_few_bytes_for_each_weight(
    quantized: bool, most: float, tmp_path: Path
) -> None:
    """It keeps all of it until the last is known: 31 bytes for each INT8 weight were 64 MB for two million."""
    model = wide()
    data = nets.random_data(model)
    if quantized:
        int8 = bench.run("int8", model, data, tmp_path / "8", methods=["minmax"], float_ends="none")
        model = onnx.load(str(int8.path))
    shared = bench.run("share", model, data, tmp_path / "share", bits=4)
    inferred = onnx.shape_inference.infer_shapes(
        onnx.load(str(shared.path)), strict_mode=True, data_prop=True
    )
    made = [
        v
        for v in inferred.graph.value_info
        if v.name.startswith("w1/") or v.name == NAME[quantized]
    ]
    count = 32 * 128 * 9
    assert len(made) >= 5
    assert sum(size_bytes(v) for v in made) / count < most


NAME = {True: "c2.weight_quantized", False: "c2.weight"}


def size_bytes(value: Any) -> int:
    kind = value.type.tensor_type
    sides = [side.dim_value for side in kind.shape.dim]
    assert all(sides), value.name
    return int(np.prod(sides)) * int(helper.tensor_dtype_to_np_dtype(kind.elem_type).itemsize)


def test_a_file_names_no_operators_that_it_has_not(tmp_path: Path) -> None:
    """onnxruntime 1.17 refuses a file that asks for ai.onnx.ml 5, even where nothing in it is of that."""
    model = wide()
    extra = model.opset_import.add()
    extra.domain, extra.version = "ai.onnx.ml", 5
    shared = bench.run("share", model, nets.random_data(model), tmp_path, bits=4)
    assert [o.domain for o in onnx.load(str(shared.path)).opset_import] == [""]
