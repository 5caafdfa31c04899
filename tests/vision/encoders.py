"""The inverse of each box decoder: known boxes become the tensors that a network would have given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.vision.plans import Array

CLASSES = 7


@dataclass(frozen=True)
class Known:
    """``boxes`` [N,4] x1 y1 x2 y2 in pixels of an input of ``width`` x ``height``, scores and classes [N]."""

    boxes: Array
    scores: Array
    classes: Array
    width: int
    height: int


@dataclass(frozen=True)
class Case:
    """One decoder in one of its forms."""

    decoder: str
    encode: Callable[[Known], list[Array]]
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


def centred(boxes: Array) -> Array:
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def one_hot(known: Known, value: Array) -> Array:
    scores = np.zeros((len(known.boxes), CLASSES), np.float32)
    scores[np.arange(len(scores)), known.classes] = value
    return scores


def shares(known: Known, boxes: Array) -> Array:
    scaled: Array = boxes / np.array([known.width, known.height] * 2)
    return scaled


def batch(array: Array) -> Array:
    return array.astype(np.float32)[None]


def padded(table: Array, count: int) -> Array:
    """Rows of nothing around the rows that matter, as in a real output."""
    rows = np.zeros((count, table.shape[1]), np.float32)
    rows[3 : 3 + len(table)] = table
    return rows


def yolov5(known: Known, normalised: bool = False) -> list[Array]:
    boxes = centred(known.boxes)
    if normalised:
        boxes = shares(known, boxes)
    # the score is a product: split it unevenly between the two factors
    objectness = np.sqrt(known.scores)[:, None]
    table = np.concatenate([boxes, objectness, one_hot(known, known.scores / objectness[:, 0])], 1)
    return [batch(padded(table, 60))]


def yolov8(known: Known, columns: bool = True, normalised: bool = False) -> list[Array]:
    boxes = centred(known.boxes)
    if normalised:
        boxes = shares(known, boxes)
    table = padded(np.concatenate([boxes, one_hot(known, known.scores)], 1), 60)
    return [batch(table.T if columns else table)]


def yolox(known: Known) -> list[Array]:
    grids = [np.zeros((known.height // s, known.width // s, 5 + CLASSES)) for s in (8, 16, 32)]
    hot = one_hot(known, np.sqrt(known.scores))
    for i, (cx, cy, w, h) in enumerate(centred(known.boxes)):
        level = i % 3
        stride = (8, 16, 32)[level]
        grid = grids[level]
        column, row = (
            min(int(cx / stride), grid.shape[1] - 1),
            min(int(cy / stride), grid.shape[0] - 1),
        )
        assert grid[row, column, 4] == 0, "two boxes in one cell"
        grid[row, column] = [
            cx / stride - column,
            cy / stride - row,
            np.log(w / stride),
            np.log(h / stride),
            np.sqrt(known.scores[i]),
            *hot[i],
        ]
    return [batch(np.concatenate([g.reshape(-1, 5 + CLASSES) for g in grids]))]


def ssd(known: Known) -> list[Array]:
    n = len(known.boxes)
    boxes = padded(shares(known, known.boxes)[:, [1, 0, 3, 2]], n + 6)[3:]
    scores, classes = np.full(n + 3, 0.99), np.zeros(n + 3)  # left over behind the count
    scores[:n], classes[:n] = known.scores, known.classes
    return [batch(boxes), batch(classes), batch(scores), np.array([n], np.float32)]


def ssd_tf2(known: Known) -> list[Array]:
    boxes, classes, scores, count = ssd(known)
    return [scores, boxes, count, classes]


def boxes_rows(known: Known) -> list[Array]:
    return [batch(np.concatenate([known.boxes, known.scores[:, None], known.classes[:, None]], 1))]


def boxes_and_scores(known: Known) -> list[Array]:
    logits = np.full((len(known.boxes), CLASSES), -30.0)
    logits[np.arange(len(logits)), known.classes] = np.log(known.scores / (1 - known.scores))
    return [batch(logits), batch(shares(known, centred(known.boxes)))]


def boxes_three(known: Known) -> list[Array]:
    x1, y1, x2, y2 = known.boxes.T
    xywh = np.stack([x1, y1, x2 - x1, y2 - y1], 1)
    return [batch(xywh), batch(known.scores), known.classes.astype(np.int64)[None]]


def boxes_yxyx(known: Known) -> list[Array]:
    return [batch(known.boxes[:, [1, 0, 3, 2]]), batch(one_hot(known, known.scores))]


def fastestdet(known: Known) -> list[Array]:
    grid_h, grid_w = known.height // 16, known.width // 16
    grid = np.zeros((5 + CLASSES, grid_h, grid_w))
    for (cx, cy, w, h), score, which in zip(
        shares(known, centred(known.boxes)), known.scores, known.classes, strict=True
    ):
        column, row = min(int(cx * grid_w), grid_w - 1), min(int(cy * grid_h), grid_h - 1)
        assert grid[0, row, column] == 0, "two boxes in one cell"
        # equal factors: s = o^.6 c^.4 with o = c = s
        grid[0, row, column] = grid[5 + which, row, column] = score
        grid[1:3, row, column] = np.arctanh([cx * grid_w - column, cy * grid_h - row])
        grid[3:5, row, column] = np.log(np.array([w, h]) / (1 - np.array([w, h])))
    return [grid.astype(np.float32)]


CASES = [
    Case("yolov5", yolov5),
    Case(
        "yolov5",
        lambda k: yolov5(k, normalised=True),
        {"coordinates": "normalised"},
        "yolov5-tflite",
    ),
    Case("yolov8", yolov8),
    Case("yolov8", lambda k: yolov8(k, columns=False), name="yolov8-rows"),
    Case(
        "yolov8",
        lambda k: yolov8(k, normalised=True),
        {"coordinates": "normalised"},
        "yolov8-tflite",
    ),
    Case("yolox", yolox),
    Case("ssd", ssd),
    Case("ssd", ssd_tf2, {"outputs": ("scores", "boxes", "count", "classes")}, "ssd-tf2"),
    Case("boxes", boxes_rows, name="boxes-rows"),
    Case(
        "boxes",
        boxes_and_scores,
        {
            "outputs": ["scores", "boxes"],
            "activation": "sigmoid",
            "box_order": "cxcywh",
            "coordinates": "normalised",
        },
        "boxes-detr",
    ),
    Case("boxes", boxes_three, {"box_order": "xywh"}, "boxes-three"),
    Case("boxes", boxes_yxyx, {"box_order": "yxyx"}, "boxes-yxyx"),
    Case("fastestdet", fastestdet),
]
