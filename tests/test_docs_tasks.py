from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edgerund.config.ladder_file import Common
from edgerund.ports import DecoderFactory, Incoming
from edgerund.registry import resolve
from edgerund.types import InputPlan, IOSpec, LadderPlan, OutputPlan, TensorSpec, VariantPlan
from edgerund.types.plan import Fit
from edgerund.vision import TABLE as TASKS
from edgerund.vision import classify, codec, detect
from edgerund.vision.decoders import CLASSIFY, DETECT

PAGE = (Path(__file__).parents[1] / "docs" / "tasks.md").read_text()


def rows(first: str) -> dict[str, list[str]]:
    """The table whose header cell is ``first``: first cell without marks -> the other cells."""
    found: dict[str, list[str]] = {}
    for table in re.findall(rf"^\| {re.escape(first)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.M):
        for line in table.splitlines():
            name, *cells = (c.strip() for c in line.strip("|").split("|"))
            for one in name.replace("`", "").split(", "):
                found[one] = cells
    return found


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def test_every_key_of_the_input_plan_is_told_with_its_default() -> None:
    told = rows("key")
    assert set(told) == {f.name for f in fields(InputPlan)}
    for field in fields(InputPlan):
        default: Any = field.default
        if isinstance(default, tuple):
            (default,) = default
        shown = (
            "the engine's"
            if default is None
            else f"{default:g}"
            if isinstance(default, float)
            else f"{default}"
        )
        assert told[field.name][0].replace("`", "") == shown, field.name


def test_every_fit_and_every_task_is_told() -> None:
    assert set(rows("`fit`")) == set(Fit.__args__)  # type: ignore[attr-defined]
    assert set(rows("task")) == set(TASKS)


def test_every_decoder_is_told_with_its_own_options() -> None:
    told = rows("decoder")
    assert set(told) == set(CLASSIFY) | set(DETECT)
    for name in DETECT:
        listed = {o.replace("`", "") for o in told[name][1].split(", ")}
        assert listed == set(resolve("decoders", name).OPTIONS), name


def test_every_option_of_the_tasks_is_told() -> None:
    assert set(rows("option")) == classify.OPTIONS
    assert set(rows("option of every box decoder")) == detect.OPTIONS
    own: set[str] = set().union(*(resolve("decoders", n).OPTIONS for n in DETECT))
    assert set(rows("own option")) == own


def test_the_number_of_scans_is_the_codecs() -> None:
    assert f"More than {codec.MAX_SCANS} scans" in PAGE


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_example_is_a_valid_plan(text: str) -> None:
    written = Common.model_validate(yaml.safe_load(text))
    if written.input is not None:
        InputPlan(**written.input.model_dump())
    if written.output is not None and written.output.decoder in DETECT:
        known = resolve("decoders", written.output.decoder).OPTIONS | detect.OPTIONS
        assert set(written.output.options) <= known


def test_the_decoder_of_ones_own_works_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = blocks("python")
    package = tmp_path / "my_robot"
    package.mkdir()
    (package / "corners.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    (example,) = (b for b in blocks("yaml") if "my_robot" in b)
    output = Common.model_validate(yaml.safe_load(example)).output
    assert output is not None
    plan = OutputPlan(str(output.decoder), dict[str, Any](output.options))
    factory: DecoderFactory = resolve("decoders", plan.decoder)
    assert callable(factory)
    variant = VariantPlan("v", "v.onnx", "fake", input=InputPlan(), output=plan)
    spec = IOSpec(
        (TensorSpec("x", "float32", (1, 3, 32, 32)),),
        (TensorSpec("boxes", "float32", (1, 2, 4)), TensorSpec("scores", "float32", (1, 2))),
    )
    made = detect.pipeline(LadderPlan("l", "detect", (variant,), ("door",)), variant, spec)
    _, geometry = made.prepare(Incoming((np.zeros((100, 200, 3), np.uint8),)))
    boxes = np.array([[[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]]], np.float32)
    result = made.finish([boxes, np.array([[0.8, 0.1]], np.float32)], geometry).result
    assert result == {
        "boxes": [[0.0, 0.0, 100.0, 50.0]],
        "scores": [0.4],
        "classes": [0],
        "labels": ["door"],
    }
