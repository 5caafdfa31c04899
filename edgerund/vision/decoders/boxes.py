"""Plain boxes: one tensor of rows, or boxes with scores, or boxes with scores and classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgerund.errors import EngineError
from edgerund.vision.decoders import rows
from edgerund.vision.options import word, words

if TYPE_CHECKING:
    from edgerund.ports import Array, Detections
    from edgerund.types import IOSpec

FORMS: dict[int, tuple[str, ...]] = {
    1: ("rows",),
    2: ("boxes", "scores"),
    3: ("boxes", "scores", "classes"),
}


class PlainBoxes:
    """The number of outputs says which form it is.

    1: rows [1,N,6] of a box, its score and its class (YOLOv10, YOLO26 and other end-to-end exports).
    2: boxes [1,N,4] and scores [1,N] or [1,N,classes] (DETR and its kin with ``activation: sigmoid``).
    3: boxes [1,N,4], scores [1,N] and classes [1,N].
    """

    OPTIONS = frozenset(("activation", "box_order", "classes", "coordinates", "outputs"))

    def __init__(self, options: Mapping[str, Any], spec: IOSpec) -> None:
        form = FORMS.get(len(spec.outputs))
        if form is None:
            raise EngineError(
                f"cannot decode {len(spec.outputs)} outputs as plain boxes: 1, 2 or 3"
            )
        self._at = {name: i for i, name in enumerate(words(options, "outputs", form))}
        self._order = word(options, "box_order", "xyxy", rows.BOX_ORDERS)
        self._pixel = rows.in_pixels(options)
        self._sigmoid = word(options, "activation", "none", ("none", "sigmoid")) == "sigmoid"
        self._classes = rows.class_count(options)
        self._threshold = rows.score_threshold(options)

    def __call__(self, outputs: Sequence[Array], width: int, height: int) -> Detections:
        """See ``BoxDecoder``."""
        boxes, scores, classes = self._parts(outputs)
        if self._sigmoid:
            scores = 0.5 * (1.0 + np.tanh(0.5 * scores.astype(np.float32)))  # never overflows
        keep = scores >= self._threshold
        found = rows.corners(boxes[keep], self._order)
        scale = None if self._pixel else (width, height)
        return rows.detections(found, scores[keep], classes[keep], scale)

    def _parts(self, outputs: Sequence[Array]) -> tuple[Array, Array, Array]:
        if "rows" in self._at:
            table = rows.matrix(outputs[0], "rows [1, N, 6]")
            if table.shape[1] != 6:
                raise EngineError(
                    f"rows of {table.shape[1]} values are not a box, a score and a class"
                )
            return table[:, :4], table[:, 4], table[:, 5].round()
        boxes = rows.matrix(outputs[self._at["boxes"]], "boxes [1, N, 4]")
        scores = outputs[self._at["scores"]]
        if "classes" in self._at:
            scores, classes = scores.reshape(-1), outputs[self._at["classes"]].reshape(-1)
        else:
            scores, classes = self._best(scores, len(boxes))
        if boxes.shape != (len(scores), 4) or len(classes) != len(scores):
            raise EngineError(
                f"boxes {list(boxes.shape)}, {len(scores)} scores and {len(classes)} classes do not go together"
            )
        return boxes, scores, classes.round()

    def _best(self, scores: Array, count: int) -> tuple[Array, Array]:
        """Score and class of each box, from [1,N] (one class) or [1,N,classes]."""
        if scores.size == count and self._classes in (0, 1):
            flat = scores.reshape(-1)
            return flat, np.zeros(len(flat), np.int64)
        table = rows.matrix(scores, "scores [1, N, classes]")
        if self._classes and table.shape[1] != self._classes:
            raise EngineError(f"scores of {table.shape[1]} classes are not {self._classes}")
        return table.max(axis=1, initial=-np.inf), table.argmax(axis=1)
