"""Mirror: the mean of a picture and its mirror image, inside the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import numpy as np

from edgerund.errors import BuildError
from tests.build import nets
from tests.build.techniques import bench


@pytest.mark.parametrize("before", [None, "int8"])
def test_it_answers_with_the_mean_of_both(before: str | None, tmp_path: Path) -> None:
    source = nets.save(nets.trained(), tmp_path / "net.onnx")
    if before:
        source = bench.run(before, source, nets.data(), tmp_path / before).path
    artifact = bench.run("mirror", source, nets.data(), tmp_path / "mirror")
    inputs = dict(nets.data().calibration.inputs)
    name = next(iter(inputs))
    flipped = {name: np.ascontiguousarray(inputs[name][..., ::-1])}
    straight, turned = bench.answers(source, inputs)[0], bench.answers(source, flipped)[0]
    assert np.abs(straight - turned).max() > 0.1  # else there is nothing to show
    ours = bench.answers(artifact.path, inputs)[0]
    np.testing.assert_allclose(ours, (straight + turned) / 2, rtol=1e-4, atol=1e-4)
    one = bench.answers(artifact.path, {name: inputs[name][:1]})[0]
    np.testing.assert_allclose(one, ours[:1], rtol=1e-4, atol=1e-4)
    assert artifact.how[-1].startswith("Answers with the mean")


def test_four_views_move_by_one_pixel_each_way(tmp_path: Path) -> None:
    source = nets.save(nets.trained(), tmp_path / "net.onnx")
    artifact = bench.run("mirror", source, nets.data(), tmp_path / "mirror", views=4)
    inputs = dict(nets.data().calibration.inputs)
    name, pictures = next(iter(inputs.items()))
    wide = np.pad(pictures, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
    views = [pictures, *(v[..., ::-1] for v in (pictures, wide[..., :-2, :-2], wide[..., 2:, 2:]))]
    each = [bench.answers(source, {name: np.ascontiguousarray(view)})[0] for view in views]
    ours = bench.answers(artifact.path, inputs)[0]
    np.testing.assert_allclose(ours, np.mean(each, axis=0), rtol=1e-4, atol=1e-4)


def test_the_same_again_gives_the_same_bytes(tmp_path: Path) -> None:
    files = [
        bench.run("mirror", nets.trained(), nets.data(), tmp_path / str(i)).path for i in range(2)
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("net", "reason"),
    [(nets.two_inputs, "inputs"), (nets.signal, "sides"), (nets.old_style, "batch")],
)
def test_other_networks_are_refused_in_words(net: Any, reason: str, tmp_path: Path) -> None:
    model = net()
    if reason == "batch":
        model = nets.trained()
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    with pytest.raises(BuildError, match=rf"^cannot mirror .*{reason}"):
        bench.run("mirror", model, nets.random_data(model), tmp_path)
