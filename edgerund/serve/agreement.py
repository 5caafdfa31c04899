"""How much two variants' answers to one frame have in common, by the task: 0 nothing, 1 all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgerund.serve.golden import relative_error
from edgerund.types import LadderPlan
from edgerund.wire import Reply

SAME_BOX = 0.5
"""Intersection over union from which two boxes of one class are the same object, as usual with COCO's AP50."""
DEFAULT_TOLERANCE = 0.1


def in_common(ladder: LadderPlan, ours: Reply, theirs: Reply) -> float | None:
    """0..1, or None where the frame says nothing.

    ``classify``: 1 if the best class is the same, else 0. ``detect``: F1 of the boxes, same class and an IoU of at
    least ``SAME_BOX``, matched best score first; None where neither found anything. ``tensor``: 1 if every output
    lies within the golden tolerance of the other's, else 0; None where they are of different shapes.
    """
    if ladder.task == "classify":
        mine, other = ours.result["classes"][:1], theirs.result["classes"][:1]
        return float(mine == other) if mine or other else None
    if ladder.task == "detect":
        return _same_boxes(ours.result, theirs.result)
    tolerance = DEFAULT_TOLERANCE if ladder.golden is None else ladder.golden.tolerance
    mine, other = ours.arrays(), theirs.arrays()
    if not mine or [a.shape for a in mine] != [a.shape for a in other]:
        return None
    return float(close(mine, other, tolerance))


def _same_boxes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> float | None:
    mine = np.asarray(ours["boxes"], np.float32).reshape(-1, 4)
    other = np.asarray(theirs["boxes"], np.float32).reshape(-1, 4)
    total = len(mine) + len(other)
    if not total:
        return None
    return 2.0 * found_boxes(mine, ours["classes"], other, theirs["classes"]) / total


def found_boxes(mine: Any, my_classes: Any, other: Any, other_classes: Any) -> int:
    """How many of my boxes are also the other's: same class, an IoU of at least ``SAME_BOX``, each used once.

    Boxes are float [N,4] as x1 y1 x2 y2, best score first; classes are [N].
    """
    same_class = np.asarray(my_classes)[:, None] == np.asarray(other_classes)[None, :]
    overlaps = np.where(same_class, _overlaps(mine, other), 0.0)
    found = 0
    for row in overlaps:
        best = int(row.argmax()) if row.size else -1
        if best >= 0 and row[best] >= SAME_BOX:
            found += 1
            overlaps[:, best] = 0.0
    return found


def _overlaps(a: Any, b: Any) -> Any:
    """Intersection over union of every box of ``a`` with every one of ``b``, float [len(a), len(b)]."""
    corner_0 = np.maximum(a[:, None, :2], b[None, :, :2])
    corner_1 = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.prod(np.clip(corner_1 - corner_0, 0.0, None), axis=2)
    areas = [np.prod(x[:, 2:] - x[:, :2], axis=1) for x in (a, b)]
    union = areas[0][:, None] + areas[1][None, :] - both
    return np.divide(both, union, out=np.zeros_like(both), where=union > 0)


def close(ours: Sequence[Any], theirs: Sequence[Any], tolerance: float) -> bool:
    """True if the outputs have the same shapes and each lies within ``tolerance`` of the other's."""
    return len(ours) == len(theirs) and all(
        a.shape == b.shape
        and relative_error(a.astype(np.float64), b.astype(np.float64)) <= tolerance
        for a, b in zip(ours, theirs, strict=True)
    )
