"""How often two variants say the same, whatever the truth is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgerund.ports import Array
from edgerund.serve.golden import relative_error

SAME_BOX = 0.5
"""Intersection over union from which two boxes of one class are the same object, as usual with COCO's AP50."""

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
    return float(np.mean([_close(a, b, tolerance) for a, b in zip(ours, theirs, strict=True)]))


def _close(ours: Sequence[Array], theirs: Sequence[Array], tolerance: float) -> bool:
    pairs = list(zip(ours, theirs, strict=False))
    return len(ours) == len(theirs) and all(
        a.shape == b.shape
        and relative_error(a.astype(np.float64), b.astype(np.float64)) <= tolerance
        for a, b in pairs
    )


def _same_boxes(ours: Sequence[Any], theirs: Sequence[Any]) -> float:
    found, total = 0, 0
    for (boxes, _, classes), (others, _, other_classes) in zip(ours, theirs, strict=True):
        total += len(boxes) + len(others)
        free = set(range(len(others)))
        for box, kind in zip(boxes, classes, strict=True):
            fits = [(overlap(box, others[i]), i) for i in free if other_classes[i] == kind]
            best = max(fits, default=(0.0, -1))
            if best[0] >= SAME_BOX:
                free.remove(best[1])
                found += 1
    return 2 * found / total if total else 1.0


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes x1 y1 x2 y2."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return both / (areas - both)
