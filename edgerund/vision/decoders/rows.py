"""What decoders of boxes share: reading an output as a matrix, corners from other box forms, thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgerund.errors import EngineError
from edgerund.ports import Detections
from edgerund.vision.options import number, whole, word

if TYPE_CHECKING:
    from edgerund.ports import Array
    from edgerund.types import IOSpec

MAX_CLASSES = 100_000
BOX_ORDERS = ("xyxy", "yxyx", "cxcywh", "xywh")
COORDINATES = ("pixel", "normalised")


def score_threshold(options: Mapping[str, Any]) -> float:
    """Option ``score_threshold``: what scores less is dropped. Decoders use it early, because it is quick."""
    return number(options, "score_threshold", 0.25, 0.0, 1.0)


def class_count(options: Mapping[str, Any]) -> int:
    """Option ``classes``; 0 where neither it nor labels say how many there are."""
    return whole(options, "classes", 0, 0, MAX_CLASSES)


def output_index(options: Mapping[str, Any], spec: IOSpec) -> int:
    """Option ``output``: which of the model's outputs is decoded, from 0."""
    return whole(options, "output", 0, 0, len(spec.outputs) - 1)


def in_pixels(options: Mapping[str, Any], default: str = "pixel") -> bool:
    """Option ``coordinates``: whether they are pixels of the input rather than 0..1."""
    return word(options, "coordinates", default, COORDINATES) == "pixel"


def matrix(output: Array, form: str) -> Array:
    """The output without its leading dimensions of 1. Raises EngineError if that leaves no matrix."""
    shape = output.shape
    if len(shape) < 2 or any(n != 1 for n in shape[:-2]):
        raise EngineError(f"an output of shape {list(shape)} is not {form}")
    return output.reshape(shape[-2:])


def corners(boxes: Array, order: str) -> Array:
    """Float [N,4] in one of BOX_ORDERS becomes x1 y1 x2 y2."""
    if order == "xyxy":
        return boxes
    if order == "yxyx":
        return boxes[:, [1, 0, 3, 2]]
    first, size = boxes[:, :2], boxes[:, 2:]
    if order == "cxcywh":
        first = first - size / 2
    return np.concatenate([first, first + size], axis=1)


def detections(
    boxes: Array, scores: Array, classes: Array, scale: tuple[int, int] | None = None
) -> Detections:
    """Detections of corners; ``scale`` (width, height) turns 0..1 into pixels."""
    boxes = boxes.astype(np.float32)
    if scale is not None:
        boxes = boxes * np.array(scale * 2, np.float32)
    return Detections(boxes, scores.astype(np.float32), classes.astype(np.int64))
