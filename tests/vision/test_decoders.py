from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerund.errors import EngineError
from edgerund.registry import resolve
from edgerund.types import TensorSpec
from edgerund.vision.decoders import CLASSIFY, DETECT, TABLE
from tests.vision.encoders import CASES, CLASSES, Case, Known
from tests.vision.plans import Array, image_spec

W, H = 320, 192


@st.composite
def scenes(draw: st.DrawFn) -> Known:
    """Up to nine boxes, one per cell of a coarse grid, so that the grid decoders can hold each."""
    cells = draw(
        st.lists(
            st.tuples(st.integers(0, W // 64 - 1), st.integers(0, H // 64 - 1)),
            max_size=9,
            unique=True,
        )
    )
    inside = st.floats(0.05, 0.95)
    boxes, scores = [], []
    for i, (column, row) in enumerate(cells):
        cx, cy = 64 * (column + draw(inside)), 64 * (row + draw(inside))
        w, h = draw(st.floats(4, W * 0.9)), draw(st.floats(4, H * 0.9))
        boxes.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
        scores.append(0.95 - 0.07 * i)
    classes = draw(st.lists(st.integers(0, CLASSES - 1), min_size=len(cells), max_size=len(cells)))
    return Known(
        np.array(boxes).reshape(-1, 4), np.array(scores), np.array(classes, np.int64), W, H
    )


def specs(outputs: list[Array]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(f"o{i}", o.dtype.name, o.shape) for i, o in enumerate(outputs))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name or c.decoder)
@settings(max_examples=40, deadline=None)
@given(known=scenes())
def test_known_boxes_come_back(case: Case, known: Known) -> None:
    outputs = case.encode(known)
    decoder = resolve("decoders", case.decoder)(
        {**case.options, "score_threshold": 0.2}, image_spec(outputs=specs(outputs))
    )
    found = decoder(outputs, W, H)
    order = np.argsort(-found.scores)
    assert np.abs(found.boxes[order] - known.boxes).max(initial=0) < 0.01
    assert np.abs(found.scores[order] - known.scores).max(initial=0) < 1e-4
    assert found.classes[order].tolist() == known.classes.tolist()
    assert found.boxes.dtype == np.float32


# ssd gives few detections: the task filters them
@pytest.mark.parametrize(
    "case", [c for c in CASES if c.decoder != "ssd"], ids=lambda c: c.name or c.decoder
)
def test_what_scores_too_little_is_dropped(case: Case) -> None:
    boxes = np.array([[10.0, 10, 50, 50], [100, 100, 150, 150]])
    known = Known(boxes, np.array([0.6, 0.4]), np.array([1, 2]), W, H)
    outputs = case.encode(known)
    made = resolve("decoders", case.decoder)(
        {**case.options, "score_threshold": 0.5}, image_spec(outputs=specs(outputs))
    )
    assert made(outputs, W, H).classes.tolist() == [1]


def refuse(decoder: str, shapes: list[tuple[int, ...]], **options: Any) -> str:
    outputs = [np.zeros(s, np.float32) for s in shapes]
    with pytest.raises(EngineError) as e:
        resolve("decoders", decoder)(options, image_spec(outputs=specs(outputs)))(outputs, W, H)
    return str(e.value)


@pytest.mark.parametrize(
    ("decoder", "shapes", "options", "says"),
    [
        ("yolov5", [(1, 50, 5)], {}, "5 + classes"),
        ("yolov5", [(1, 50, 85)], {"classes": 79}, "5 + 79"),
        ("yolov5", [(1, 3, 20, 20, 85)], {}, "[1, 3, 20, 20, 85]"),
        ("yolov5", [(1, 50, 85)], {"output": 1}, "from 0 to 0"),
        ("yolov5", [(1, 50, 85)], {"coordinates": "percent"}, "pixel, normalised"),
        ("yolov5", [(1, 50, 85)], {"score_threshold": 25}, "from 0 to 1"),
        ("yolov5", [(1, 50, 85)], {"score_threshold": True}, "write a number"),
        ("yolov8", [(1, 84, 2100)], {"classes": 81}, "4 + 81"),
        ("yolov8", [(1, 4, 2100)], {}, "4 + classes"),
        ("yolox", [(1, 1000, 12)], {}, "1000 rows are not the 1260 cells"),
        ("yolox", [(1, 1260, 12)], {"strides": (8, 16)}, "1200 cells"),
        ("yolox", [(1, 1260, 12)], {"strides": ()}, "whole numbers"),
        ("yolox", [(1, 1260, 12)], {"strides": (0.5,)}, "whole numbers"),
        ("yolox", [(1, 1260, 12)], {"strides": ("a",)}, "whole numbers"),
        ("yolox", [(1, 1260, 12)], {"classes": 80}, "5 + 80"),
        ("ssd", [(1, 10, 4), (1, 10)], {}, "that is 4"),
        ("ssd", [(1, 10, 4), (1, 10), (1, 9), (1,)], {}, "boxes, classes and scores"),
        ("ssd", [(1, 10, 4)] * 4, {"outputs": ("boxes", "boxes", "scores", "count")}, "order"),
        ("boxes", [(1, 10, 4)] * 4, {}, "1, 2 or 3"),
        ("boxes", [(1, 10, 7)], {}, "rows of 7"),
        ("boxes", [(1, 10, 4), (1, 9)], {}, "matrix|scores|go together"),
        ("boxes", [(1, 10, 4), (1, 10, 3)], {"classes": 4}, "3 classes are not 4"),
        ("boxes", [(1, 10, 4), (1, 10), (1, 9)], {}, "do not go together"),
        ("boxes", [(1, 10, 4), (1, 10)], {"box_order": "xxyy"}, "xyxy, yxyx"),
        ("fastestdet", [(85, 22)], {}, "not a grid"),
        ("fastestdet", [(85, 22, 22)], {"classes": 79}, "5 + 79"),
    ],
)
def test_shapes_and_options_that_do_not_fit_are_one_sentence(
    decoder: str, shapes: list[tuple[int, ...]], options: dict[str, Any], says: str
) -> None:
    said = refuse(decoder, shapes, **options)
    assert any(s in said for s in says.split("|"))
    assert "\n" not in said


def test_yolov8_without_class_count_takes_the_shorter_side() -> None:
    known = Known(np.array([[10.0, 10, 50, 50]]), np.array([0.9]), np.array([3]), W, H)
    for case in (c for c in CASES if c.decoder == "yolov8" and not c.options):
        outputs = case.encode(known)
        found = resolve("decoders", "yolov8")({}, image_spec(outputs=specs(outputs)))(outputs, W, H)
        assert found.classes.tolist() == [3]


def test_every_name_of_the_table_is_a_decoder_that_says_its_options() -> None:
    assert set(TABLE) == set(CLASSIFY) | set(DETECT)
    for name in TABLE:
        assert isinstance(resolve("decoders", name).OPTIONS, frozenset)


def test_every_box_decoder_has_an_inverse_here() -> None:
    assert {c.decoder for c in CASES} == set(DETECT)
