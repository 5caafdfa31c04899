"""YOLOv8 and its kin (v6, v9, v11, v12): columns or rows of a box and class scores, without objectness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgerund.errors import EngineError
from edgerund.vision.decoders import rows

if TYPE_CHECKING:
    from edgerund.ports import Array, Detections
    from edgerund.types import IOSpec


class YoloV8:
    """[1, 4 + classes, N] or [1, N, 4 + classes]: centre x, centre y, width, height, class scores.

    Which of the two it is follows from the number of classes where that is known, else the shorter side
    holds the classes. The score is the best class score (ultralytics, ``non_max_suppression``).
    """

    OPTIONS = frozenset(("classes", "coordinates", "output"))

    def __init__(self, options: Mapping[str, Any], spec: IOSpec) -> None:
        self._output = rows.output_index(options, spec)
        self._classes = rows.class_count(options)
        self._threshold = rows.score_threshold(options)
        self._pixel = rows.in_pixels(options)

    def __call__(self, outputs: Sequence[Array], width: int, height: int) -> Detections:
        """See ``BoxDecoder``."""
        columns = self._columns(outputs[self._output])
        likely = columns[4:].max(axis=0)
        keep = np.flatnonzero(likely >= self._threshold)
        chosen = columns[:, keep]
        boxes = rows.corners(chosen[:4].T, "cxcywh")
        scale = None if self._pixel else (width, height)
        return rows.detections(boxes, likely[keep], chosen[4:].argmax(axis=0), scale)

    def _columns(self, output: Array) -> Array:
        """The output as [4 + classes, N]."""
        table = rows.matrix(output, "[1, 4 + classes, N] or [1, N, 4 + classes]")
        if self._classes:
            wanted = 4 + self._classes
            upright = table.shape[0] == wanted
            fits = wanted in table.shape
        else:
            upright = table.shape[0] < table.shape[1]
            fits = min(table.shape) > 4
        if not fits:
            raise EngineError(
                f"an output of shape {list(output.shape)} holds no side of 4 + {self._classes or 'classes'}"
            )
        return table if upright else table.T
