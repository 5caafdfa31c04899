"""YOLOX: rows relative to the cells of a grid per stride."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgerund.errors import EngineError
from edgerund.vision.decoders import rows
from edgerund.vision.decoders.yolov5 import objects
from edgerund.vision.options import wholes

if TYPE_CHECKING:
    from edgerund.ports import Array, Detections
    from edgerund.types import IOSpec


class YoloX:
    """[1, N, 5 + classes], N the cells of all grids, fine to coarse, row by row; objectness and scores in 0..1.

    centre = (value + cell) x stride, size = exp(value) x stride (Megvii YOLOX, ``demo_postprocess``).
    """

    OPTIONS = frozenset(("classes", "output", "strides"))

    def __init__(self, options: Mapping[str, Any], spec: IOSpec) -> None:
        self._output = rows.output_index(options, spec)
        self._classes = rows.class_count(options)
        self._threshold = rows.score_threshold(options)
        self._strides = wholes(options, "strides", (8, 16, 32))
        self._grid: tuple[tuple[int, int], Array, Array] | None = None

    def __call__(self, outputs: Sequence[Array], width: int, height: int) -> Detections:
        """See ``BoxDecoder``."""
        table = rows.matrix(outputs[self._output], "[1, N, 5 + classes]")
        found = table.shape[1] - 5
        if found < 1 or (self._classes and found != self._classes):
            raise EngineError(
                f"rows of {table.shape[1]} values are not 5 + {self._classes or 'classes'}"
            )
        cells, strides = self._cells(width, height)
        if len(cells) != len(table):
            raise EngineError(
                f"{len(table)} rows are not the {len(cells)} cells of strides {list(self._strides)} "
                f"in {width} x {height} pixels"
            )
        likely = np.flatnonzero(table[:, 4] >= self._threshold)
        table = table[likely].astype(np.float32)
        stride = strides[likely]
        table[:, :2] = (table[:, :2] + cells[likely]) * stride
        table[:, 2:4] = np.exp(table[:, 2:4]) * stride
        return objects(table, self._threshold)

    def _cells(self, width: int, height: int) -> tuple[Array, Array]:
        """x, y of each cell [N,2] and its stride [N,1]."""
        if self._grid is None or self._grid[0] != (width, height):
            cells, strides = [], []
            for stride in self._strides:
                y, x = np.mgrid[0 : height // stride, 0 : width // stride]
                cells.append(np.stack([x.ravel(), y.ravel()], axis=1))
                strides.append(np.full((x.size, 1), stride))
            self._grid = (
                (width, height),
                np.concatenate(cells).astype(np.float32),
                np.concatenate(strides).astype(np.float32),
            )
        return self._grid[1], self._grid[2]
