"""Weight sharing: the file is smaller, and what it says is what its codebook says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from onnxruntime import InferenceSession

from edgerund.build.graph.codebooks import codebook
from edgerund.build.graph.compensate import compensated
from edgerund.build.graph.packing import Unpacking, pack, pieces, split, unpack
from edgerund.build.graph.patches import _rows
from edgerund.build.graph.quantizing import as_run
from edgerund.build.technique import Array
from edgerund.errors import BuildError
from tests.build import nets
from tests.build.techniques import bench


@given(st.integers(1, 8), st.lists(st.integers(0, 255), min_size=1, max_size=99))
def test_packed_numbers_come_out_as_they_went_in(bits: int, values: list[int]) -> None:
    array = np.array([v % 2**bits for v in values], np.uint8)
    again: Array = np.zeros(len(array), np.uint8)
    for size, packed in split(array, bits):
        again = (again << np.uint8(size)) | unpack(packed, size, len(array))
    assert again.tolist() == array.tolist()


@given(st.integers(1, 8))
def test_pieces_divide_a_byte_and_add_up(bits: int) -> None:
    assert sum(pieces(bits)) == bits
    assert all(8 % piece == 0 for piece in pieces(bits))


def test_nothing_is_wasted() -> None:
    assert len(pack(np.zeros(1000, np.uint8), 4)) == 500
    assert len(pack(np.zeros(1000, np.uint8), 1)) == 125


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.float16])
@pytest.mark.parametrize("bits", range(1, 9))
def test_the_graph_unpacks_what_was_packed(bits: int, dtype: Any) -> None:
    random = np.random.default_rng(bits)
    codes = random.integers(0, 2**bits, 3 * 5 * 7).astype(np.uint8)
    book = random.permutation(np.arange(-128, 128))[: 2**bits].astype(dtype)
    parts = Unpacking("w", {}, {})
    out = parts.values(codes, bits, book, (3, 5, 7))
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    result = helper.make_tensor_value_info(out, kind, [3, 5, 7])
    nodes = [*parts.before.values(), *parts.nodes]
    graph = helper.make_graph(
        nodes, "unpack", [], [result], [*parts.tensors, *parts.common.values()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    onnx.checker.check_model(model)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.run(None, {})[0].tolist() == book[codes].reshape(3, 5, 7).tolist()


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=60),
    st.sampled_from([2, 4, 16]),
)
def test_a_codebook_is_sorted_short_and_near(values: list[float], size: int) -> None:
    line = np.array(values)
    centres = codebook(line, size, 50)
    assert len(centres) <= size
    assert np.all(np.diff(centres) > 0)
    nearest = np.abs(line[:, None] - centres).min(axis=1)
    spread = line.max() - line.min()
    assert nearest.max() <= spread + 1e-9
    if len(set(values)) <= size:
        assert nearest.max() == 0


def test_more_entries_come_nearer() -> None:
    line = np.random.default_rng(0).standard_normal(5000)
    errors = []
    for size in (2, 4, 8, 16, 64):
        centres = codebook(line, size, 60)
        errors.append(float((np.abs(line[:, None] - centres).min(axis=1) ** 2).mean()))
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == pytest.approx(1 - 2 / np.pi, rel=0.05)  # the best two for a normal law


def wide() -> Any:
    """One convolution with enough weights for a codebook to be small beside them."""
    graph = nets.Graph(9)
    out = graph.conv("image", "c1", 3, 32)
    out = graph.conv(out, "c2", 32, 128)
    out = graph.node("GlobalAveragePool", [out], "mean")
    flat = graph.node("Flatten", [out], "flat", axis=1)
    return graph.model([nets.picture()], [nets.head(graph, flat, 128)])


@pytest.mark.parametrize("bits", [3, 4, 5])
def test_the_file_shrinks_by_what_the_bits_promise(bits: int, tmp_path: Path) -> None:
    model = wide()
    data = nets.random_data(model)
    artifact = bench.run("share", model, data, tmp_path, bits=bits)
    count = 32 * 128 * 9
    saved = artifact.facts["parent_bytes"] - artifact.facts["file_bytes"]
    assert saved > count * (4 - bits / 8) * 0.9
    assert artifact.facts["zipped_bytes"] < artifact.facts["parent_zipped_bytes"]


def test_weights_at_load_are_codebook_times_scale(tmp_path: Path) -> None:
    model = wide()
    artifact = bench.run("share", model, nets.random_data(model), tmp_path, bits=4)
    shared = onnx.load(str(artifact.path))
    shown = onnx.ModelProto()
    shown.CopyFrom(shared)
    shown.graph.output.append(nets.value("c2.weight", 128, 32, 3, 3))
    running = InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    image = nets.pictures(1, 1).inputs
    loaded = dict(
        zip([o.name for o in running.get_outputs()], running.run(None, dict(image)), strict=True)
    )["c2.weight"]
    stored = {t.name: numpy_helper.to_array(t) for t in shared.graph.initializer}
    book, scales = stored["w1/codebook"], stored["w1/scales"]
    assert len(book) == 16
    rest = loaded / scales
    assert np.abs(rest[..., None] - book).min(axis=-1).max() < 1e-5
    exact = numpy_helper.to_array(next(t for t in model.graph.initializer if t.name == "c2.weight"))
    told = next(t for t in artifact.facts["tensors"] if t["tensor"] == "c2.weight")
    error = np.linalg.norm(exact - loaded) / np.linalg.norm(exact)
    assert told["error"] == pytest.approx(error, abs=1e-4)
    assert error < 0.15


def test_nothing_of_it_is_left_when_onnxruntime_has_loaded_it(tmp_path: Path) -> None:
    model = wide()
    artifact = bench.run("share", model, nets.random_data(model), tmp_path, bits=5)
    before = as_run(model.SerializeToString())
    assert as_run(artifact.path.read_bytes()) == before
    assert "GatherElements" in {n.op_type for n in onnx.load(str(artifact.path)).graph.node}


def test_int8_weights_are_shared_and_still_run_as_int8(tmp_path: Path) -> None:
    model = wide()
    data = nets.random_data(model)
    int8 = bench.run("int8", model, data, tmp_path / "int8", methods=["minmax"], float_ends="none")
    shared = bench.run("share", int8.path, data, tmp_path / "share", bits=4)
    assert as_run(shared.path.read_bytes()) == as_run(int8.path.read_bytes())
    assert shared.path.stat().st_size < 0.65 * int8.path.stat().st_size
    inputs = data.calibration.inputs
    assert (
        bench.distance(bench.answers(shared.path, inputs), bench.answers(int8.path, inputs)) < 0.2
    )


def test_eight_bits_of_eight_gain_nothing_and_say_so(tmp_path: Path) -> None:
    model = wide()
    data = nets.random_data(model)
    int8 = bench.run("int8", model, data, tmp_path / "int8", methods=["minmax"], float_ends="none")
    with pytest.raises(BuildError, match=r"cannot share weights: none .* smaller"):
        bench.run("share", int8.path, data, tmp_path / "share", bits=8)


@pytest.mark.parametrize(
    "kind",
    [
        {"pads": [1, 1, 1, 1]},
        {"strides": [2, 1], "pads": [0, 1, 2, 1]},
        {"dilations": [2, 2]},
    ],
)
def test_patches_are_what_a_convolution_multiplies_with(kind: dict[str, Any]) -> None:
    graph = nets.Graph(3)
    graph.weight("w", 5, 3, 3, 3)
    node = graph.node("Conv", ["image", "w"], "out", **kind)
    model = graph.model([nets.picture()], [nets.value(node, "N", 5, None, None)])
    images = nets.pictures(3, 1)
    conv = model.graph.node[0]
    rows = _rows(conv, np.asarray(images.inputs["image"]), (3, 3))
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    out = session.run(None, dict(images.inputs))[0]
    again = rows @ graph.weights["w"].reshape(5, -1).T
    np.testing.assert_allclose(again, np.moveaxis(out, 1, -1).reshape(-1, 5), rtol=1e-4, atol=1e-4)


def test_errors_made_good_come_nearer_where_it_counts() -> None:
    random = np.random.default_rng(0)
    inputs = random.standard_normal((4000, 40)) @ random.standard_normal((40, 40))
    rows = random.standard_normal((12, 40))
    moment = (inputs.T @ inputs / len(inputs)).astype(np.float32)
    book = codebook(rows, 8, 50)
    middles = (book[1:] + book[:-1]) / 2

    def nearest(column: Array) -> tuple[Array, Array]:
        code = np.searchsorted(middles, column).astype(np.uint8)
        return code, book[code]

    plain = book[np.searchsorted(middles, rows)]
    better = book[compensated(rows, moment, nearest)]
    lost = [float((((rows - each) @ inputs.T) ** 2).sum()) for each in (plain, better)]
    assert lost[1] < 0.7 * lost[0]


@pytest.mark.parametrize("net", [wide, nets.signal, nets.attention, nets.trained])
def test_networks_lose_less_when_errors_are_made_good(net: Any, tmp_path: Path) -> None:
    model = net()
    data = nets.data() if net is nets.trained else nets.random_data(model)
    errors = []
    for number, compensate in enumerate((False, True)):
        artifact = bench.run(
            "share", model, data, tmp_path / str(number), bits=3, least=64, compensate=compensate
        )
        errors.append(artifact.facts["result"]["output_error"])
    assert errors[1] < errors[0]
