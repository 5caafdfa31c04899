from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgerund.build.made_up import Wishes, made_up_recipe
from edgerund.build.planning import make_plan
from edgerund.build.recipe import Recipe, read_recipe
from edgerund.build.technique import Artifact, Context, Data, Images
from edgerund.build.techniques.int8 import Int8, Int8Params
from edgerund.build.techniques.onnx_file import OnnxFile, OnnxFileParams
from edgerund.errors import BuildError
from tests.build import nets
from tests.build.beds import write_model, write_pictures
from tests.shared_data import shared


def recipe_of(folder: Path, model: Path, calibration: Path, **wishes: Any) -> tuple[Recipe, str]:
    text = made_up_recipe(model, calibration, Wishes(**wishes))
    file = folder / "made.yaml"
    file.write_text(text)
    recipe, document = read_recipe(file)
    make_plan(recipe, document, folder)
    return recipe, text


def test_a_classifier_with_class_folders(tmp_path: Path) -> None:
    model = write_model(tmp_path / "My Net.onnx")
    recipe, text = recipe_of(tmp_path, model, write_pictures(tmp_path / "pictures", 12))
    assert recipe.recipe == "my-net"
    assert recipe.ladder.labels == [f"grating{i}" for i in range(4)]
    assert "CHECK: the subfolders, sorted" in text
    assert recipe.ladder.defaults.output is not None
    assert recipe.ladder.defaults.output.decoder == "logits"


def test_a_softmax_at_the_end_is_seen(tmp_path: Path) -> None:
    graph = nets.Graph()
    flat = nets.features(graph)
    nets.head(graph, flat, 32)
    graph.node("Softmax", ["logits"], "shares", axis=-1)
    model = nets.save(
        graph.model([nets.picture()], [nets.value("shares", "N", 10)]), tmp_path / "net.onnx"
    )
    recipe, _ = recipe_of(tmp_path, model, write_pictures(tmp_path / "pictures", 4))
    assert recipe.ladder.defaults.output is not None
    assert recipe.ladder.defaults.output.decoder == "probabilities"


def test_what_the_user_says_is_not_guessed(tmp_path: Path) -> None:
    model = write_model(tmp_path / "net.onnx")
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\nc\nd\n")
    said = {"scale": 1.0, "mean": [1.0, 2.0, 3.0], "colour": "BGR", "decoder": "probabilities"}
    recipe, text = recipe_of(
        tmp_path,
        model,
        write_pictures(tmp_path / "pictures", 4),
        input=said,
        labels=labels,
        name="Odd name!",
        limit=3,
    )
    given = recipe.ladder.defaults.input
    assert given is not None
    assert (given.scale, given.mean, given.colour) == (1.0, [1.0, 2.0, 3.0], "BGR")
    assert recipe.ladder.labels_file == str(labels)
    assert recipe.recipe == "odd-name"
    assert "CHECK: BGR" not in text
    assert "decoder: probabilities" in text


def test_several_inputs_need_arrays(tmp_path: Path) -> None:
    model = nets.save(nets.two_inputs(), tmp_path / "net.onnx")
    with pytest.raises(BuildError, match="with an array for each"):
        recipe_of(tmp_path, model, write_pictures(tmp_path / "pictures", 4))
    np.savez(tmp_path / "x.npz", image=np.zeros((4, 3, 12, 12)), vector=np.zeros((4, 8)))
    recipe, _ = recipe_of(tmp_path, model, tmp_path / "x.npz")
    assert recipe.ladder.task == "tensor"


def test_free_height_and_width_are_fixed_for_frames(tmp_path: Path) -> None:
    graph = nets.Graph()
    graph.conv("image", "c1", 3, 16)
    graph.conv("c1.relu", "c2", 16, 25, k=3, strides=[2, 2])
    free = nets.value("image", "N", 3, "H", "W")
    model = nets.save(
        graph.model([free], [nets.value("c2.relu", "N", 25, "h", "w")]), tmp_path / "net.onnx"
    )
    recipe, text = recipe_of(
        tmp_path,
        model,
        write_pictures(tmp_path / "pictures", 4),
        task="detect",
        input={"size": [64, 96], "decoder": "fastestdet"},
    )
    assert recipe.stages["float"].params["size"] == {"image": [0, 0, 64, 96]}
    made = begin(tmp_path, model, size={"image": [0, 0, 64, 96]})
    sides = onnx.load(made.path).graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in sides] == ["N", 3, 64, 96]
    assert "CHECK" in text


def begin(folder: Path, model: Path, **params: Any) -> Artifact:
    place = folder / "work"
    place.mkdir(exist_ok=True)
    data = Data(Images({"image": np.zeros((1, 3, 12, 12), np.float32)}))
    context = Context(place, place, data, 0, 1, lambda _share, _text: None)
    return OnnxFile().run([], OnnxFileParams(file=model, **params), context)


NETS: list[Callable[[], Any]] = [
    nets.grouped,
    nets.two_inputs,
    nets.unquantizable,
    nets.old_style,
    nets.signal,
    nets.attention,
]


@pytest.mark.parametrize("net", NETS, ids=lambda net: str(net.__name__))
def test_a_file_is_taken_as_it_is(tmp_path: Path, net: Callable[[], Any]) -> None:
    import onnxruntime as ort

    model = net()
    file = nets.save(model, tmp_path / "net.onnx")
    made = begin(tmp_path, file)
    images = nets.random_data(model, 1).calibration
    before, after = (
        ort.InferenceSession(str(p), providers=["CPUExecutionProvider"]).run(
            None, dict(images.inputs)
        )
        for p in (file, made.path)
    )
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert made.facts["quantized"] is False
    assert max(o.version for o in onnx.load(made.path).opset_import if not o.domain) >= 13


def test_sides_that_contradict_the_file_are_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path / "net.onnx")
    for size, message in (
        ({"picture": [1]}, "the inputs of net.onnx are image"),
        ({"image": [1, 3]}, "it has 4 of them"),
        ({"image": [0, 3, 12, 13]}, "net.onnx says 12"),
    ):
        with pytest.raises(BuildError, match=message):
            begin(tmp_path, model, size=size)


def test_a_flat_bias_with_two_sides_does_not_stop_the_quantizer(tmp_path: Path) -> None:
    graph = nets.Graph()
    flat = nets.features(graph)
    nets.head(graph, flat, 32)
    graph.weight("bias", 1, 10)
    graph.node("Add", ["logits", "bias"], "sum")
    model = graph.model([nets.value("image", 1, 3, 12, 12)], [nets.value("sum", 1, 10)])
    made = begin(tmp_path, nets.save(model, tmp_path / "net.onnx"))
    images = nets.random_data(model, 8)
    place = tmp_path / "int8"
    place.mkdir()
    context = Context(place, place, images, 0, 1, lambda _share, _text: None)
    params = Int8Params(methods=["minmax"], weight_bits=8, float_ends="none")
    assert Int8().run([made], params, context).facts["left_float"] == {}


def test_third_party_models_are_read(tmp_path: Path) -> None:
    digits = shared("models/ort_mnist.onnx")
    recipe, _ = recipe_of(tmp_path, digits, shared("images"))
    assert recipe.ladder.task == "classify"
    assert recipe.ladder.defaults.input is not None
    assert recipe.ladder.defaults.input.colour == "GRAY"
    made = begin(tmp_path, digits)
    assert [i.name for i in onnx.load(made.path).graph.input] == ["Input3"]
