"""The golden question: right answers pass, every kind of wrong one is named."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerund.config.ladder import load_ladder
from edgerund.errors import EngineError
from edgerund.ports import Array, Engine, LoadOptions, Pipeline
from edgerund.registry import resolve
from edgerund.serve.golden import (
    ask,
    check_golden,
    made_up,
    made_up_frame,
    read_golden,
    relative_error,
)
from edgerund.types import GoldenPlan, LadderPlan, TensorSpec
from tests.ladders import classifier_ladder, tensor_ladder


def loaded(plan: LadderPlan, position: int = 0) -> tuple[Engine, Pipeline]:
    variant = plan.variants[position]
    engine: Engine = resolve("engines", variant.backend)().load(
        Path(variant.file), LoadOptions(), lambda _share, _text: None
    )
    pipeline: Pipeline = resolve("tasks", plan.task)(plan, variant, engine.spec)
    return engine, pipeline


def asked(plan: LadderPlan, position: int = 0) -> str | None:
    engine, pipeline = loaded(plan, position)
    return check_golden(plan, plan.variants[position], engine, pipeline)


def with_golden(plan: LadderPlan, folder: Path, arrays: Mapping[str, Array]) -> LadderPlan:
    path = folder / "golden.npz"
    save: Any = np.savez
    save(path, **arrays)
    return replace(plan, golden=GoldenPlan(str(path), tolerance=0.1))


@pytest.fixture
def plan(tmp_path: Path) -> LadderPlan:
    return load_ladder(classifier_ladder(tmp_path, top={}, small={}))


@pytest.fixture
def frame() -> Array:
    return np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.fixture
def answer(plan: LadderPlan, tmp_path: Path, frame: Array) -> Array:
    """What the top variant answers to ``frame``."""
    golden = read_golden(Path(with_golden(plan, tmp_path, {"frame": frame}).golden.file))  # type: ignore[union-attr]
    return ask(golden, *loaded(plan))[0]


def test_the_right_answer_passes_and_another_variants_answer_does_not(
    plan: LadderPlan, tmp_path: Path, frame: Array, answer: Array
) -> None:
    plan = with_golden(plan, tmp_path, {"frame": frame, "top.0": answer, "small.0": answer})
    assert asked(plan, 0) is None
    wrong = asked(plan, 1)
    assert wrong is not None
    assert wrong.startswith("cannot trust output 'scores': it is ")


@pytest.mark.parametrize(("off", "passes"), [(0.09, True), (0.13, False)])
def test_the_tolerance_is_the_relative_l2_error(
    plan: LadderPlan, tmp_path: Path, frame: Array, answer: Array, off: float, passes: bool
) -> None:
    direction = np.random.default_rng(2).normal(size=answer.shape)
    shifted = answer + direction / np.linalg.norm(direction) * np.linalg.norm(answer) * off
    plan = with_golden(plan, tmp_path, {"frame": frame, "top.0": shifted.astype(np.float64)})
    # the error is relative to what is expected, which has moved by `off` itself
    assert (asked(plan) is None) == passes


def test_quantised_outputs_are_compared_as_real_numbers(tmp_path: Path, frame: Array) -> None:
    spec = {"name": "scores", "shape": [-1, 4], "dtype": "uint8", "scale": 0.5, "zero_point": 128}
    told = {"outputs": [spec], "answer": "values", "values": [[130, 126, 128, 128]]}
    plan = load_ladder(classifier_ladder(tmp_path, top=told))
    one_step = np.array([[130, 125, 128, 128]], np.uint8)
    plan = with_golden(plan, tmp_path, {"frame": frame, "top.0": one_step})
    # 1, -1.5 expected and 1, -1 given: 28 % off, although the stored bytes differ by 0.4 %
    wrong = asked(plan)
    assert wrong is not None
    assert "0.277" in wrong


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"top.0": np.zeros((1, 5))}, "it has shape [1, 4], the golden one [1, 5]"),
        ({"top.0": np.zeros((1, 4)), "top.1": np.zeros(1)}, "1 outputs: the golden file has 2"),
        ({"top.0": np.zeros((1, 4))}, "it is inf off"),
    ],
)
def test_an_answer_of_another_form_is_named(
    plan: LadderPlan, tmp_path: Path, frame: Array, expected: dict[str, Array], words: str
) -> None:
    wrong = asked(with_golden(plan, tmp_path, {"frame": frame, **expected}))
    assert wrong is not None
    assert words in wrong


def test_without_a_golden_file_any_finite_answer_passes(plan: LadderPlan) -> None:
    assert asked(plan) is None


def test_a_variant_without_stored_answers_is_still_asked(tmp_path: Path, frame: Array) -> None:
    plan = load_ladder(classifier_ladder(tmp_path, top={}, small={"nan_after": 0}))
    plan = with_golden(plan, tmp_path, {"frame": frame, "top.0": np.zeros((1, 4))})
    wrong = asked(plan, 1)
    assert wrong is not None
    assert "NaN" in wrong


@pytest.mark.parametrize("golden", [True, False])
@pytest.mark.parametrize(
    ("told", "words"), [({"nan_after": 0}, "NaN or infinity"), ({"fail_after": 0}, "told to fail")]
)
def test_an_engine_that_fails_is_a_reason_not_an_exception(
    tmp_path: Path, frame: Array, told: dict[str, Any], words: str, golden: bool
) -> None:
    plan = load_ladder(classifier_ladder(tmp_path, top=told))
    if golden:
        plan = with_golden(plan, tmp_path, {"frame": frame})
    wrong = asked(plan)
    assert wrong is not None
    assert words in wrong


def test_raw_inputs_go_straight_into_the_engine(tmp_path: Path) -> None:
    plan = load_ladder(tensor_ladder(tmp_path, top={}))
    assert asked(plan) is None
    inputs: dict[str, Array] = {
        "input.0": np.ones((1, 4), np.float32),
        "input.1": np.zeros((1, 2), np.int64),
    }
    wrong = asked(with_golden(plan, tmp_path, {**inputs, "top.0": np.ones((1, 3))}))
    assert wrong is not None
    assert "cannot trust output 'sum'" in wrong
    wrong = asked(with_golden(plan, tmp_path, {"input.0": np.ones((1, 4))}))
    assert wrong is not None
    assert "1 inputs given" in wrong


def test_an_engine_whose_shape_is_free_cannot_be_asked_and_passes(tmp_path: Path) -> None:
    free = {"inputs": [{"name": "a", "shape": [1, -1]}], "fail_after": 0}
    plan = load_ladder(tensor_ladder(tmp_path, top=free))
    engine, _ = loaded(plan)
    assert made_up(plan.variants[0], engine.spec) is None
    assert asked(plan) is None


def test_a_shape_beyond_reason_is_a_reason(tmp_path: Path) -> None:
    huge = {
        "inputs": [{"name": "a", "shape": [1, 1 << 40]}],
        "answer": "values",
        "values": [[0] * 3],
    }
    wrong = asked(load_ladder(tensor_ladder(tmp_path, top=huge)))
    assert wrong is not None
    assert "beyond reason" in wrong


class Liar:
    """An engine whose outputs are not what it declares."""

    def __init__(self, engine: Engine, outputs: list[Array]) -> None:
        self.spec = engine.spec
        self._outputs = outputs

    def infer(self, inputs: object) -> list[Array]:
        return self._outputs

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ([], "0 outputs: 1 are declared"),
        ([np.zeros((1, 5), np.float32)], "shape [1, 5], declared [None, 4]"),
        ([np.zeros(4, np.float32)], "shape [4]"),
    ],
)
def test_outputs_that_were_not_declared_are_named(
    plan: LadderPlan, outputs: list[Array], words: str
) -> None:
    engine, pipeline = loaded(plan)
    wrong = check_golden(plan, plan.variants[0], Liar(engine, outputs), pipeline)
    assert wrong is not None
    assert words in wrong


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "either frame or input.0"),
        ({"frame": np.zeros((4, 4, 3))}, "frame must be uint8"),
        ({"frame": np.zeros((4, 4, 3), np.uint8), "input.0": np.zeros(1)}, "either frame or input"),
        ({"frame": np.zeros((4, 4, 3), np.uint8), "top.1": np.zeros(1)}, "'top' is not numbered"),
        ({"frame": np.zeros((4, 4, 3), np.uint8), "top": np.zeros(1)}, "is not numbered"),
        ({"frame": made_up_frame(), "top.0": np.full(4, np.nan)}, "'top.0' holds more than finite"),
        ({"frame": made_up_frame(), "top.0": np.array(["a"])}, "'top.0' holds more than finite"),
        ({"frame": np.array([{"a": 1}], dtype=object)}, "cannot read the golden file"),
    ],
)
def test_a_golden_file_of_another_form_is_named(
    tmp_path: Path, arrays: dict[str, Array], words: str
) -> None:
    path = tmp_path / "golden.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    with pytest.raises(EngineError, match=words):
        read_golden(path)


def test_a_golden_file_that_is_none_is_one_reason(plan: LadderPlan, tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    np.savez(path, frame=made_up_frame())
    whole = path.read_bytes()
    for content in (b"", b"no zip", whole[:100], whole[: len(whole) // 2], whole[:-3]):
        path.write_bytes(content)
        wrong = asked(replace(plan, golden=GoldenPlan(str(path))))
        assert wrong is not None
        assert wrong.startswith("cannot read the golden file golden.npz: ")
    path.unlink()
    assert "golden.npz" in str(asked(replace(plan, golden=GoldenPlan(str(path)))))


def test_a_golden_file_does_not_unpack_into_all_memory(tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("frame.npy", "w") as out,
    ):
        for _ in range(520):
            out.write(bytes(1024 * 1024))
    assert path.stat().st_size < 1024 * 1024
    with pytest.raises(EngineError, match="unpacks to more than 512 MiB"):
        read_golden(path)


def test_the_made_up_frame_is_always_the_same() -> None:
    assert made_up_frame().shape == (120, 160, 3)
    assert np.array_equal(made_up_frame(), made_up_frame())
    assert made_up_frame().std() > 30


def test_the_relative_error_of_nothing_is_nothing_or_infinite() -> None:
    zero, one = np.zeros(3), np.ones(3)
    assert relative_error(zero, zero) == 0
    assert relative_error(one, zero) == float("inf")
    assert relative_error(one * 1.5, one) == pytest.approx(0.5)


def test_made_up_integers_are_zero_for_they_may_be_indices(tmp_path: Path) -> None:
    plan = load_ladder(tensor_ladder(tmp_path, top={}))
    engine, _ = loaded(plan)
    golden = made_up(plan.variants[0], engine.spec)
    assert golden is not None
    assert golden.inputs[0].any()
    assert not golden.inputs[1].any()
    assert [a.dtype.name for a in golden.inputs] == ["float32", "int64"]
    assert TensorSpec("b", "int64", (1, 2)) in engine.spec.inputs
