"""FastestDet: one coarse grid of objectness, box and class scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgerund.errors import EngineError
from edgerund.vision.decoders import rows

if TYPE_CHECKING:
    from edgerund.ports import Array, Detections
    from edgerund.types import IOSpec


class FastestDet:
    """[5 + classes, rows, columns], with or without a batch of 1: objectness, dx, dy, width, height, class scores.

    centre = (cell + tanh(d)) / grid, size = sigmoid(value), both as shares of the input; score = objectness^0.6 x
    best class score^0.4 (dog-qiuqiu/FastestDet, ``handle_preds`` and its ONNX example).
    """

    OPTIONS = frozenset(("classes", "output"))

    def __init__(self, options: Mapping[str, Any], spec: IOSpec) -> None:
        self._output = rows.output_index(options, spec)
        self._classes = rows.class_count(options)
        self._threshold = rows.score_threshold(options)

    def __call__(self, outputs: Sequence[Array], width: int, height: int) -> Detections:
        """See ``BoxDecoder``."""
        output = outputs[self._output]
        if output.ndim < 3 or any(n != 1 for n in output.shape[:-3]):
            raise EngineError(f"an output of shape {list(output.shape)} is not a grid")
        planes, grid_h, grid_w = output.shape[-3:]
        if planes < 6 or (self._classes and planes != 5 + self._classes):
            raise EngineError(f"{planes} planes are not 5 + {self._classes or 'classes'}")
        grid = output.reshape(planes, -1).astype(np.float32)
        # quantised values may lie a little outside 0..1, where a power has no real value
        objectness, best = np.clip(grid[0], 0, 1), np.clip(grid[5:].max(axis=0), 0, 1)
        scores = objectness**0.6 * best**0.4
        keep = np.flatnonzero(scores >= self._threshold)
        grid = grid[:, keep]
        cells = np.stack([keep % grid_w, keep // grid_w])
        centre = (cells + np.tanh(grid[1:3])) / np.array([[grid_w], [grid_h]])
        size = 0.5 * (1.0 + np.tanh(0.5 * grid[3:5]))
        boxes = rows.corners(np.concatenate([centre, size]).T, "cxcywh")
        return rows.detections(boxes, scores[keep], grid[5:].argmax(axis=0), (width, height))
