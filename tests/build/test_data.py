from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgerund.build.data import Source
from edgerund.build.planning import make_plan
from edgerund.build.recipe import Recipe, read_recipe
from edgerund.build.technique import Data, Images
from edgerund.errors import BuildError
from edgerund.ports import Incoming
from edgerund.types import InputPlan, IOSpec, LadderPlan, OutputPlan, TensorSpec, VariantPlan
from edgerund.vision.classify import pipeline

LADDER = """\
recipe: toy
ladder:
  task: classify
  labels: [ant, bee]
  defaults:
    input: {size: [6, 8], colour: BGR, scale: 127.5, mean: [1, 0.9, 1.1], std: [0.5, 1, 2], fit: letterbox}
stages: {a: {use: 'tests.build.doings:Begin'}}
"""


def load(folder: Path, data: str, seed: int = 0, head: str = LADDER) -> Data:
    recipe = folder / "recipe.yaml"
    recipe.write_text(f"{head}data: {data}\n")
    read, document = read_recipe(recipe)
    make_plan(read, document, folder)
    return Source(read, folder, None, seed).load()


def draw(file: Path, seed: int, side: tuple[int, int] = (20, 30)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*side, 3), np.uint8)
    Image.fromarray(pixels).save(file)


def test_pictures_become_what_serving_would_make_of_them(tmp_path: Path) -> None:
    draw(tmp_path / "pictures" / "one.png", 1)
    draw(tmp_path / "pictures" / "two.jpg", 2, (40, 24))
    images = load(tmp_path, "{calibration: pictures, validation: pictures}").calibration
    plan = InputPlan(
        size=(6, 8),
        colour="BGR",
        scale=127.5,
        mean=(1, 0.9, 1.1),
        std=(0.5, 1, 2),
        fit="letterbox",
    )
    spec = IOSpec(
        (TensorSpec("input", "float32", (1, 3, 6, 8)),), (TensorSpec("out", "float32", (1, 2)),)
    )
    variant = VariantPlan("v", "v.onnx", "onnxruntime", None, plan, OutputPlan("logits"))
    ladder = LadderPlan("toy", "classify", (variant,), ("ant", "bee"))
    serving = pipeline(ladder, variant, spec)
    with Image.open(tmp_path / "pictures" / "one.png") as picture:
        frame = Incoming(arrays=(np.asarray(picture),))
    jpeg = Incoming(jpeg=(tmp_path / "pictures" / "two.jpg").read_bytes())
    for i, incoming in enumerate((frame, jpeg)):
        np.testing.assert_array_equal(images.inputs["input"][i], serving.prepare(incoming)[0][0][0])


def test_subfolders_name_the_class(tmp_path: Path) -> None:
    for i in range(6):
        draw(tmp_path / "pictures" / ("Bee" if i % 2 else "ant") / f"{i}.png", i)
    data = load(tmp_path, "{calibration: pictures, holdout: 0.34}")
    assert data.validation is not None
    assert data.calibration.labels is not None
    assert data.validation.labels is not None
    assert (len(data.calibration), len(data.validation)) == (4, 2)
    both = [*data.calibration.labels, *data.validation.labels]
    assert sorted(both) == [0, 0, 0, 1, 1, 1]


def test_subfolders_may_be_class_numbers_or_no_classes_at_all(tmp_path: Path) -> None:
    for i in range(4):
        draw(tmp_path / "numbers" / str(i % 2) / f"{i}.png", i)
        draw(tmp_path / "days" / f"monday{i}" / f"{i}.png", i)
    numbers = load(tmp_path, "{calibration: numbers, validation: numbers}").calibration
    assert numbers.labels is not None
    assert sorted(numbers.labels) == [0, 0, 1, 1]
    assert load(tmp_path, "{calibration: days, validation: days}").calibration.labels is None


def test_what_is_held_out_is_drawn_by_the_seed_and_nothing_is_in_both(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(20, dtype=np.float32).reshape(20, 1))
    first, again, other = (load(tmp_path, "x.npy", seed) for seed in (1, 1, 2))

    def held(data: Data) -> set[float]:
        assert data.validation is not None
        mine = set(data.calibration.inputs["input"].ravel())
        held_out: set[float] = set(data.validation.inputs["input"].ravel())
        assert mine | held_out == set(map(float, range(20)))
        assert not mine & held_out
        return held_out

    assert held(first) == held(again) != held(other)


def test_arrays_come_from_one_file_or_several(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "all.npz", a=np.zeros((4, 2), np.float32), b=np.ones((4, 3)), labels=[0, 1, 0, 1]
    )
    one = load(tmp_path, "{calibration: all.npz, validation: all.npz, limit: 3}").calibration
    assert {k: v.shape for k, v in one.inputs.items()} == {"a": (3, 2), "b": (3, 3)}
    assert list(one.labels if one.labels is not None else []) == [0, 1, 0]
    (tmp_path / "parts").mkdir()
    for i in range(3):
        np.save(tmp_path / "parts" / f"{i}.npy", np.full((2, 5), i, np.float32))
    parts = load(tmp_path, "{calibration: parts, validation: parts, input: x}").calibration
    assert parts.inputs["x"][:, 0].tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("nowhere", "cannot find the data"),
        ("{calibration: empty}", "cannot find pictures"),
        ("{calibration: broken}", "cannot use the picture"),
        ("{calibration: odd}", "no label has that name"),
        ("{calibration: single.npy}", "cannot hold images out of 1"),
        ("{calibration: uneven.npz}", "must hold the same number"),
        ("no.such.module:function", "cannot use no.such.module:function"),
        ("tests.build.test_data:not_data", "it gave no"),
    ],
)
def test_data_that_cannot_be_used_is_told(tmp_path: Path, written: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "x.png").write_bytes(b"\x89PNG nothing")
    draw(tmp_path / "odd" / "ant" / "1.png", 1)
    draw(tmp_path / "odd" / "wasp" / "2.png", 2)
    np.save(tmp_path / "single.npy", np.zeros((1, 2), np.float32))
    np.savez(tmp_path / "uneven.npz", a=np.zeros((2, 2)), b=np.zeros((3, 2)))
    with pytest.raises(BuildError, match=message):
        load(tmp_path, written)


def not_data(_folder: Path, _seed: int) -> str:
    return "no data"


def own(folder: Path, seed: int) -> Data:
    return Data(Images({"x": np.full((2, 1), seed, np.float32)}), test=lambda: Images({}))


def test_a_function_of_the_recipe_gives_the_data(tmp_path: Path) -> None:
    assert load(tmp_path, "tests.build.test_data:own", 7).calibration.inputs["x"][0, 0] == 7
    assert isinstance(read_recipe(tmp_path / "recipe.yaml")[0], Recipe)
