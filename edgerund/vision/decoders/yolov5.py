"""YOLOv5 and its kin (YOLOv3, v4, v7): rows of a box, an objectness and class scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgerund.errors import EngineError
from edgerund.vision.decoders import rows

if TYPE_CHECKING:
    from edgerund.ports import Array, Detections
    from edgerund.types import IOSpec


class YoloV5:
    """[1, N, 5 + classes]: centre x, centre y, width, height, objectness, class scores; all in their final form.

    The score is objectness x the best class score (ultralytics/yolov5, ``non_max_suppression``).
    """

    OPTIONS = frozenset(("classes", "coordinates", "output"))

    def __init__(self, options: Mapping[str, Any], spec: IOSpec) -> None:
        self._output = rows.output_index(options, spec)
        self._classes = rows.class_count(options)
        self._threshold = rows.score_threshold(options)
        self._pixel = rows.in_pixels(options)

    def __call__(self, outputs: Sequence[Array], width: int, height: int) -> Detections:
        """See ``BoxDecoder``."""
        table = rows.matrix(outputs[self._output], "[1, N, 5 + classes]")
        found = table.shape[1] - 5
        if found < 1 or (self._classes and found != self._classes):
            wanted = self._classes or "classes"
            raise EngineError(f"rows of {table.shape[1]} values are not 5 + {wanted}")
        return objects(table, self._threshold, None if self._pixel else (width, height))


def objects(table: Array, threshold: float, scale: tuple[int, int] | None = None) -> Detections:
    """Detections of rows [N, 5 + classes] whose score reaches the threshold."""
    # no class score is above 1, so that a low objectness settles it
    table = table[table[:, 4] >= threshold]
    best = table[:, 5:].argmax(axis=1)
    scores = table[:, 4] * table[np.arange(len(table)), 5 + best]
    keep = scores >= threshold
    boxes = rows.corners(table[keep, :4], "cxcywh")
    return rows.detections(boxes, scores[keep], best[keep], scale)
