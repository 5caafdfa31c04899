"""How often two variants say the same, whatever the truth is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgerund.ports import Array
from edgerund.serve.agreement import SAME_BOX, close, found_boxes

METRICS = {
    "classify": "top1",
    "detect": "",
    "tensor": "top1",
}
AGREEMENTS = {
    "classify": "share of images with the same best class",
    "detect": f"F1 of the boxes against those of the other, same class and IoU of at least {SAME_BOX:g}",
    "tensor": "share of inputs whose outputs lie within the golden tolerance of the other's",
}


def right(task: str, answers: Sequence[Any], labels: Array) -> Array:
    """Which answers name the right class, ``bool [N]``. For ``tensor`` the greatest value of the first output."""
    if task == "classify":
        said = np.array(answers, np.int64)
    else:
        said = np.array([int(np.asarray(outputs[0]).argmax()) for outputs in answers], np.int64)
    same: Array = said == labels
    return same


def agreement(task: str, ours: Sequence[Any], theirs: Sequence[Any], tolerance: float) -> float:
    """0..1; see ``AGREEMENTS`` for what is counted."""
    if task == "classify":
        return float(np.mean([a == b for a, b in zip(ours, theirs, strict=True)]))
    if task == "detect":
        return _same_boxes(ours, theirs)
    return float(np.mean([close(a, b, tolerance) for a, b in zip(ours, theirs, strict=True)]))


def _same_boxes(ours: Sequence[Any], theirs: Sequence[Any]) -> float:
    found, total = 0, 0
    for (boxes, _, classes), (others, _, other_classes) in zip(ours, theirs, strict=True):
        total += len(boxes) + len(others)
        mine, other = (np.asarray(b, np.float64).reshape(-1, 4) for b in (boxes, others))
        found += found_boxes(mine, classes, other, other_classes)
    return 2 * found / total if total else 1.0
