"""Low rank, sparsity and 16 bits: the promises that are theirs alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgerund.build.graph import factor
from edgerund.build.graph.factoring import Layer, choose
from edgerund.build.graph.moments import Moments
from edgerund.build.graph.thinning import two_of_four
from edgerund.build.technique import Array
from edgerund.errors import BuildError
from tests.build import nets
from tests.build.techniques import bench


def stored(path: Path) -> dict[str, Array]:
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(str(path)).graph.initializer}


def layer(rank: int = 0, seed: int = 0) -> Layer:
    """A 3 x 3 convolution of 24 channels, its input correlated; of low rank over space if asked."""
    random = np.random.default_rng(seed)
    weight = random.standard_normal((24, 24, 3, 3))
    if rank:
        weight = np.einsum(
            "rih,orw->oihw",
            random.standard_normal((rank, 24, 3)),
            random.standard_normal((24, rank, 3)),
        )
    mixing = random.standard_normal((24, 24)) * np.linspace(1, 0.05, 24)
    rows = random.standard_normal((4000, 24)) @ mixing.T
    out = rows @ weight.sum((2, 3)).T
    return Layer(
        onnx.helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1]),
        weight,
        np.zeros(24),
        moments_of(rows, (1, 24, 8, 8)),
        moments_of(out, (1, 24, 8, 8)),
    )


def moments_of(rows: Array, shape: tuple[int, ...]) -> Moments:
    return Moments(shape, len(rows), rows.sum(0), rows.T @ rows)


@pytest.mark.parametrize("scheme", ["channel", "tucker", "spatial"])
def test_the_error_falls_and_the_cost_rises_with_the_rank(scheme: str) -> None:
    one = layer()
    errors, costs, ranks = [], [], []
    for energy in (0.5, 0.8, 0.95, 0.999):
        made = choose(one, energy, [scheme], saves=-10)
        assert made is not None
        again = factor.product(made.kernels)
        assert again.shape == one.weight.shape
        far = (again - one.weight).sum((2, 3))
        moment = one.inputs.second
        errors.append(float(np.trace(far @ moment @ far.T)))
        costs.append(made.macs)
        ranks.append(made.ranks)
    assert costs == sorted(costs)
    assert ranks == sorted(ranks)
    assert errors[-1] < 0.2 * errors[0]


@pytest.mark.parametrize("scheme", ["channel", "tucker", "spatial"])
def test_full_rank_gives_the_layer_back(scheme: str) -> None:
    one = layer()
    made = choose(one, 1.0, [scheme], saves=-10)
    assert made is not None
    np.testing.assert_allclose(factor.product(made.kernels), one.weight, atol=1e-6)


def test_a_kernel_of_low_rank_over_space_is_found_out() -> None:
    made = choose(layer(rank=5), 0.99999999, ["spatial"])
    assert made is not None
    assert made.ranks[0] <= 5
    np.testing.assert_allclose(factor.product(made.kernels), layer(rank=5).weight, atol=1e-3)


def test_a_layer_that_saves_too_little_stays_whole() -> None:
    assert choose(layer(), 0.999999, ["channel"], saves=0.1) is None


def test_a_budget_is_kept(tmp_path: Path) -> None:
    artifact = bench.run("lowrank", nets.trained(), nets.data(), tmp_path, macs=0.6)
    assert artifact.facts["macs_share"] <= 0.6
    assert artifact.facts["macs_share"] > 0.4
    assert len(onnx.load(str(artifact.path)).graph.node) > len(nets.trained().graph.node)


def test_grouped_layers_stay_whole_and_are_named(tmp_path: Path) -> None:
    model = nets.grouped()
    artifact = bench.run("lowrank", model, nets.random_data(model), tmp_path, energy=0.8)
    left = artifact.facts["left_whole"]
    assert left["groups"] == left["depth"] == "grouped convolution"


def test_low_rank_can_be_quantized_afterwards(tmp_path: Path) -> None:
    low = bench.run("lowrank", nets.trained(), nets.data(), tmp_path / "low", macs=0.7)
    int8 = bench.run("int8", low.path, nets.data(), tmp_path / "int8", methods=["minmax"])
    assert int8.facts["runs"]["in_int8"]["QLinearConv"] >= 4
    assert int8.path.stat().st_size < low.path.stat().st_size


@pytest.mark.parametrize("axis", [0, 1])
def test_two_of_every_four_stay_and_they_are_the_largest(axis: int) -> None:
    array = np.random.default_rng(0).standard_normal((8, 8, 3))
    mask = two_of_four(array, axis)
    moved = np.moveaxis(mask, axis, -1).reshape(-1, 4)
    sizes = np.abs(np.moveaxis(array, axis, -1).reshape(-1, 4))
    assert (moved.sum(axis=1) == 2).all()
    kept = np.where(moved, sizes, np.inf).min(axis=1)
    gone = np.where(moved, 0, sizes).max(axis=1)
    assert (kept >= gone).all()


def test_the_file_really_has_the_pattern(tmp_path: Path) -> None:
    model = nets.trained()
    artifact = bench.run("sparse", model, nets.data(), tmp_path, pattern="2:4", least=64)
    weights = stored(artifact.path)
    for name in ("c2.weight", "c3.weight"):
        fours = np.moveaxis(weights[name], 1, -1).reshape(-1, 4)
        assert ((fours == 0).sum(axis=1) == 2).all()
    assert (weights["c1.weight"] != 0).all()  # three inputs, and the first layer
    assert artifact.facts["zeros"] == 0.5


@pytest.mark.parametrize("scope", ["network", "tensor"])
def test_the_share_of_zeros_is_what_was_asked_for(tmp_path: Path, scope: str) -> None:
    artifact = bench.run(
        "sparse", nets.trained(), nets.data(), tmp_path, ratio=0.7, least=64, scope=scope
    )
    assert artifact.facts["zeros"] == pytest.approx(0.7, abs=0.01)
    zeros = [float((stored(artifact.path)[f"c{i}.weight"] == 0).mean()) for i in (2, 3)]
    assert all(0.3 < each < 0.95 for each in zeros)


def test_zeros_pay_in_a_zip_and_the_facts_say_where_they_do_not(tmp_path: Path) -> None:
    artifact = bench.run("sparse", nets.trained(), nets.data(), tmp_path, ratio=0.9, least=64)
    assert artifact.facts["file_bytes"] == artifact.facts["parent_bytes"]
    assert artifact.facts["zipped_bytes"] < 0.6 * artifact.facts["parent_zipped_bytes"]
    assert artifact.facts["latency_ratio_to_parent"] > 0
    assert "CPU" in artifact.facts["pays"]


def test_16_bits_halve_the_weights(tmp_path: Path) -> None:
    model = nets.trained()
    artifact = bench.run("fp16", model, nets.data(), tmp_path)
    before = sum(numpy_helper.to_array(t).nbytes for t in model.graph.initializer)
    after = sum(each.nbytes for each in stored(artifact.path).values())
    assert after < 0.52 * before
    assert artifact.facts["result"]["output_error"] < 5e-3


def test_what_16_bits_cannot_hold_stays_in_32_and_is_named(tmp_path: Path) -> None:
    model = nets.trained()
    for tensor in model.graph.initializer:
        if tensor.name == "c2.bias":
            array = np.array(numpy_helper.to_array(tensor))
            array[0] = -1e6
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    artifact = bench.run("fp16", model, nets.data(), tmp_path)
    assert artifact.facts["kept_float32"] == ["c2.bias"]
    assert stored(artifact.path)["c2.bias"].dtype == np.float32


def test_a_graph_that_computes_in_16_bits_keeps_its_float_inputs(tmp_path: Path) -> None:
    artifact = bench.run("fp16", nets.trained(), nets.data(), tmp_path, compute="float16")
    assert stored(artifact.path)["c2.weight"].dtype == np.float16
    (inputs, outputs) = bench.signature(artifact.path)
    assert inputs[0][1] == outputs[0][1] == "tensor(float)"
    assert artifact.facts["result"]["output_error"] < 0.01


def test_a_file_with_external_data_comes_out_whole(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / "net.onnx"
    onnx.save(
        nets.trained(), str(path), save_as_external_data=True, location="w.bin", size_threshold=64
    )
    artifact = bench.run("fp16", path, nets.data(), tmp_path / "run")
    assert artifact.facts["result"]["accuracy"] > 0.9
    (folder / "w.bin").unlink()
    assert bench.answers(artifact.path, nets.pictures(4, 1).inputs)[0].shape == (4, 4)
    with pytest.raises(BuildError, match=r"^cannot read net\.onnx"):
        bench.run("fp16", path, nets.data(), tmp_path / "again")


def test_a_tidied_graph_has_fewer_operators(tmp_path: Path) -> None:
    half = bench.run("fp16", nets.trained(), nets.data(), tmp_path / "half")
    artifact: Any = bench.run("optimize", half.path, nets.data(), tmp_path / "run", opset=18)
    assert artifact.facts["nodes"] < artifact.facts["nodes_before"]
    assert artifact.facts["opset"] >= 18
