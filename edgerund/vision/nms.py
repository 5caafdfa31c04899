"""Non-maximum suppression: exact and greedy, per class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgerund.ports import Array


def suppress(
    boxes: Array, scores: Array, classes: Array | None, iou_threshold: float, limit: int
) -> Array:
    """Indices of the boxes that stay, best first (equal scores: in their own order), at most ``limit``.

    A box goes when its intersection over union with a better one that stays is above ``iou_threshold``. Boxes
    of different classes are moved apart beforehand, so that they never meet (the offset trick of torchvision's
    ``batched_nms``; in float64, so that the offset costs no precision).

    Args:
        boxes: float [N,4], x1 y1 x2 y2, finite.
        scores: float [N].
        classes: int [N]; None lets boxes of all classes compete.
        iou_threshold: 0..1; 1 keeps everything.
        limit: most that are wanted; the work is bounded by ``limit`` x N.
    """
    order: Array = np.argsort(-scores, kind="stable")
    if iou_threshold >= 1.0:
        return order[:limit]
    corners = boxes[order].astype(np.float64)
    if classes is not None and len(corners):
        span = corners.max() - corners.min() + 1.0
        corners += (classes[order].astype(np.float64) * span)[:, None]
    x1, y1, x2, y2 = corners.T
    areas = np.maximum(x2 - x1, 0.0) * np.maximum(y2 - y1, 0.0)
    left = np.arange(len(order))
    kept: list[int] = []
    while left.size and len(kept) < limit:
        best, left = int(left[0]), left[1:]
        kept.append(best)
        width = np.minimum(x2[best], x2[left]) - np.maximum(x1[best], x1[left])
        height = np.minimum(y2[best], y2[left]) - np.maximum(y1[best], y1[left])
        shared = np.maximum(width, 0.0) * np.maximum(height, 0.0)
        left = left[shared <= iou_threshold * (areas[best] + areas[left] - shared)]
    return order[kept]
