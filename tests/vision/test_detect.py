from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgerund.errors import EngineError, InferenceFailed
from edgerund.ports import Detections, Geometry, Incoming
from edgerund.types import InputPlan, IOSpec, TensorSpec
from edgerund.types.plan import Fit
from edgerund.vision.detect import Detector, pipeline
from edgerund.vision.fit import place
from tests.shared_data import shared
from tests.vision.encoders import CASES, CLASSES, Case, Known, boxes_rows, yolov8
from tests.vision.models import load
from tests.vision.plans import Array, image_spec, one_variant

LABELS = tuple("abcdefg")
assert len(LABELS) == CLASSES


def build(
    decoder: str,
    arrays: Sequence[Array],
    size: tuple[int, int],
    fit: Fit = "letterbox",
    labels: tuple[str, ...] = LABELS,
    specs: tuple[TensorSpec, ...] | None = None,
    **options: Any,
) -> Detector:
    """``size`` is (width, height)."""
    if specs is None:
        specs = tuple(TensorSpec(f"o{i}", o.dtype.name, o.shape) for i, o in enumerate(arrays))
    plan = InputPlan(fit=fit)
    ladder, variant = one_variant("detect", decoder, options, plan, labels)
    return pipeline(ladder, variant, image_spec((1, 3, size[1], size[0]), outputs=specs))


def into_input(boxes: Array, g: Geometry) -> Array:
    moved: Array = boxes * np.array([g.scale_x, g.scale_y] * 2) + np.array([g.pad_x, g.pad_y] * 2)
    return moved


FRAME = np.zeros((480, 720, 3), np.uint8)
IN_FRAME = np.array([[40.0, 60, 200, 300], [330, 100, 420, 210], [500, 300, 715, 470]])
SCORES = np.array([0.9, 0.8, 0.7])
WHICH = np.array([2, 5, 0])


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name or c.decoder)
def test_boxes_come_back_in_pixels_of_the_frame_whatever_the_variants_size(
    case: Case, fit: Fit
) -> None:
    """The same scene through a 640 and a 320 pixel variant: what a swap between them would change."""
    answers = []
    for size in ((640, 640), (320, 256)):
        g = place((720, 480), size, fit)
        outputs = case.encode(Known(into_input(IN_FRAME, g), SCORES, WHICH, *size))
        made = build(case.decoder, outputs, size, fit, **case.options)
        inputs, geometry = made.prepare(Incoming((FRAME,)))
        assert inputs[0].shape == (1, 3, size[1], size[0])
        result = made.finish(outputs, geometry).result
        assert np.abs(np.array(result["boxes"]) - IN_FRAME).max() < 1.0
        assert result["labels"] == ["c", "f", "a"]
        assert result["classes"] == [2, 5, 0]
        assert np.allclose(result["scores"], SCORES, atol=1e-3)
        answers.append(np.array(result["boxes"]))
    assert np.abs(answers[0] - answers[1]).max() < 1.0


@settings(max_examples=50, deadline=None)
@given(
    st.integers(20, 3000), st.integers(20, 3000), st.sampled_from(["stretch", "letterbox", "crop"])
)
def test_boxes_never_leave_the_frame(fw: int, fh: int, fit: Fit) -> None:
    boxes = np.array([[-50.0, -50, 50, 50], [100, 100, 400, 400], [0, 0, 300, 300]])
    outputs = boxes_rows(Known(boxes, SCORES, WHICH, 300, 300))
    made = build("boxes", outputs, (300, 300), fit)
    result = made.finish(outputs, place((fw, fh), (300, 300), fit)).result
    for x1, y1, x2, y2 in result["boxes"]:
        assert 0 <= x1 <= x2 <= fw
        assert 0 <= y1 <= y2 <= fh


def test_a_box_in_the_padding_alone_is_dropped() -> None:
    boxes = np.array([[10.0, 5, 300, 90], [100, 120, 200, 180]])
    outputs = boxes_rows(Known(boxes, SCORES[:2], WHICH[:2], 320, 320))
    made = build("boxes", outputs, (320, 320))
    result = made.finish(outputs, place((640, 160), (320, 320), "letterbox")).result
    assert result["classes"] == [5]


SAME = Known(
    np.array([[10.0, 10, 110, 110], [12, 12, 112, 112], [11, 11, 111, 111], [200, 200, 250, 250]]),
    np.array([0.5, 0.9, 0.8, 0.3]),
    np.array([1, 1, 4, 1]),
    320,
    320,
)


@pytest.mark.parametrize(
    ("options", "scores"),
    [
        ({}, [0.9, 0.8, 0.3]),
        ({"class_agnostic": True}, [0.9, 0.3]),
        ({"nms": False}, [0.9, 0.8, 0.5, 0.3]),
        ({"iou_threshold": 0.99}, [0.9, 0.8, 0.5, 0.3]),
        ({"score_threshold": 0.4}, [0.9, 0.8]),
        ({"max_detections": 2}, [0.9, 0.8]),
    ],
)
def test_suppression_and_thresholds(options: dict[str, Any], scores: list[float]) -> None:
    outputs = yolov8(SAME)
    made = build("yolov8", outputs, (320, 320), **options)
    result = made.finish(outputs, place((320, 320), (320, 320), "stretch")).result
    assert np.allclose(result["scores"], scores, atol=1e-6)


def test_ssd_has_suppressed_already_unless_told() -> None:
    case = next(c for c in CASES if c.decoder == "ssd")
    outputs = case.encode(SAME)
    geometry = place((320, 320), (320, 320), "stretch")
    assert len(build("ssd", outputs, (320, 320)).finish(outputs, geometry).result["boxes"]) == 4
    again = build("ssd", outputs, (320, 320), nms=True)
    assert len(again.finish(outputs, geometry).result["boxes"]) == 3


def test_a_background_class_is_left_out_and_classes_count_labels() -> None:
    known = Known(IN_FRAME, SCORES, np.array([0, 1, 3]), 720, 480)
    outputs = boxes_rows(known)
    made = build("boxes", outputs, (720, 480), label_offset=1)
    result = made.finish(outputs, place((720, 480), (720, 480), "stretch")).result
    assert result["labels"] == ["a", "c"]
    assert result["classes"] == [0, 2]


def test_a_class_without_a_label_is_its_number() -> None:
    outputs = boxes_rows(Known(IN_FRAME, SCORES, WHICH, 720, 480))
    made = build("boxes", outputs, (720, 480), labels=("only",))
    result = made.finish(outputs, place((720, 480), (720, 480), "stretch")).result
    assert result["labels"] == ["2", "5", "only"]


def test_quantised_outputs_give_nearly_the_same_boxes() -> None:
    known = Known(IN_FRAME / 3, SCORES, WHICH, 240, 160)
    (real,) = yolov8(known, normalised=True)
    scale, zero = 1 / 250, -120
    stored = (np.rint(real / scale) + zero).clip(-128, 127).astype(np.int8)
    spec = TensorSpec("o", "int8", stored.shape, scale, zero)
    made = build("yolov8", [stored], (240, 160), specs=(spec,), coordinates="normalised")
    result = made.finish([stored], place((720, 480), (240, 160), "stretch")).result
    assert result["classes"] == WHICH.tolist()
    assert np.abs(np.array(result["boxes"]) - IN_FRAME).max() < 720 * scale


def test_nothing_found_is_an_answer() -> None:
    outputs = [np.zeros((1, 11, 60), np.float32)]
    made = build("yolov8", outputs, (320, 320))
    result = made.finish(outputs, place((100, 100), (320, 320), "stretch")).result
    assert result == {"boxes": [], "scores": [], "classes": [], "labels": []}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_outputs_that_are_no_numbers_fail_the_request(bad: float) -> None:
    outputs = yolov8(SAME)
    made = build("yolov8", outputs, (320, 320))
    outputs[0][0, 5, 7] = bad
    with pytest.raises(InferenceFailed, match="NaN or infinity"):
        made.finish(outputs, place((320, 320), (320, 320), "stretch"))


def test_boxes_that_overflow_while_decoding_fail_the_request() -> None:
    table = np.zeros((1, 1260, 12), np.float32)
    table[0, 5] = [0, 0, 1000, 0, 1, 1, *[0] * 6]
    made = build("yolox", [table], (320, 192))
    with pytest.raises(InferenceFailed, match="NaN or infinity"):
        made.finish([table], place((320, 192), (320, 192), "stretch"))


def test_the_number_of_labels_is_checked_when_the_variant_is_loaded() -> None:
    outputs = [np.zeros((1, 84, 2100), np.float32)]
    with pytest.raises(EngineError, match=r"^cannot use 'v': .*4 \+ 7"):
        build("yolov8", outputs, (320, 320))
    free = (TensorSpec("o", "float32", (1, 84, None)),)
    made = build("yolov8", outputs, (320, 320), specs=free)
    with pytest.raises(InferenceFailed, match=r"4 \+ 7"):
        made.finish(outputs, place((320, 320), (320, 320), "stretch"))


@pytest.mark.parametrize(
    ("decoder", "options", "says"),
    [
        (
            "yolov8",
            {"conf": 0.3},
            "cannot use option 'conf' with decoder 'yolov8': known are class",
        ),
        ("yolov8", {"iou_threshold": 1.5}, "from 0 to 1"),
        ("yolov8", {"max_detections": 0}, "whole number"),
        ("yolov8", {"strides": (8, 16)}, "strides"),
        ("logits", {}, "for task detect"),
    ],
)
def test_options_are_checked_by_name_and_value(
    decoder: str, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(EngineError, match=says):
        build(decoder, [np.zeros((1, 11, 60), np.float32)], (320, 320), **options)


def centre_decoder(options: Mapping[str, Any], spec: IOSpec) -> Any:
    """Somebody's own decoder: points become squares."""
    side = options.get("side", 10)

    def decode(outputs: Sequence[Array], width: int, height: int) -> Detections:
        points = outputs[0][0]
        boxes = np.concatenate([points[:, :2] - side / 2, points[:, :2] + side / 2], axis=1)
        return Detections(boxes, points[:, 2], points[:, 3])

    return decode


def test_a_decoder_of_ones_own_is_named_by_module_and_attribute() -> None:
    points = np.array([[[50, 60, 0.9, 1], [51, 60, 0.8, 1], [200, 90, 0.7, 2]]], np.float32)
    name = "tests.vision.test_detect:centre_decoder"
    made = build(name, [points], (320, 320), side=20)
    result = made.finish([points], place((640, 640), (320, 320), "stretch")).result
    assert result["boxes"] == [[80.0, 100.0, 120.0, 140.0], [380.0, 160.0, 420.0, 200.0]]
    assert result["labels"] == ["b", "c"]
    with pytest.raises(EngineError, match="IndexError"):
        build(name, [np.zeros(4, np.float32)], (320, 320))


def fastest_det(plan: InputPlan | None = None, **options: Any) -> tuple[Any, Detector]:
    engine = load("onnxruntime", "models/FastestDet_352_coco.onnx")
    plan = plan or InputPlan(size=(352, 352), colour="BGR")
    ladder, variant = one_variant("detect", "fastestdet", options, plan)
    return engine, pipeline(ladder, variant, engine.spec)


PERSON, CAT, BIRD = 0, 15, 14


@pytest.mark.parametrize(
    ("image", "wanted", "least"),
    [("grace_hopper.bmp", PERSON, 1), ("cat_720p.jpg", CAT, 1), ("face.jpg", PERSON, 2)],
)
def test_fastestdet_finds_what_is_in_the_photograph(image: str, wanted: int, least: int) -> None:
    engine, made = fastest_det(score_threshold=0.5)
    frame = np.asarray(Image.open(shared(f"images/{image}")).convert("RGB"))
    inputs, geometry = made.prepare(Incoming((frame,)))
    result = made.finish(engine.infer(inputs), geometry).result
    engine.close()
    assert result["classes"].count(wanted) >= least
    assert result["classes"][0] == wanted
    for x1, y1, x2, y2 in result["boxes"]:
        assert 0 <= x1 < x2 <= frame.shape[1]
        assert 0 <= y1 < y2 <= frame.shape[0]


def test_a_photograph_gives_the_same_boxes_as_jpeg_and_raw() -> None:
    engine, made = fastest_det(score_threshold=0.5)
    data = shared("images/cat_720p.jpg").read_bytes()
    frame = np.asarray(Image.open(io.BytesIO(data)))
    found = []
    for incoming in (
        Incoming((frame,)),
        Incoming(jpeg=data),
        Incoming((frame[:, :, ::-1],), colour="BGR"),
    ):
        inputs, geometry = made.prepare(incoming)
        found.append(made.finish(engine.infer(inputs), geometry).result)
    engine.close()
    for other in found[1:]:
        assert other["labels"] == found[0]["labels"]
        assert np.abs(np.array(other["boxes"]) - found[0]["boxes"]).max() < 12
    assert found[2] == found[0]
