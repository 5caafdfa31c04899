"""Task detect: a frame in, boxes in the pixels of that frame out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgerund.errors import EngineError, InferenceFailed
from edgerund.ports import BoxDecoder, Detections, Geometry, Incoming, TaskAnswer
from edgerund.types import InputPlan, IOSpec, LadderPlan, TensorSpec, VariantPlan
from edgerund.vision.decoders import DETECT
from edgerund.vision.decoders.rows import score_threshold
from edgerund.vision.fit import to_frame
from edgerund.vision.nms import suppress
from edgerund.vision.options import flag, number, whole
from edgerund.vision.output import DECODER_FAULTS, make_decoder, output_plan, real_outputs
from edgerund.vision.prepare import ImageInput

if TYPE_CHECKING:
    from edgerund.ports import Array

OPTIONS = frozenset(
    ("score_threshold", "iou_threshold", "max_detections", "class_agnostic", "nms", "label_offset")
)
"""Options that every decoder of this task has."""


class Detector:
    """The pipeline of one variant of a detect ladder."""

    def __init__(self, ladder: LadderPlan, variant: VariantPlan, spec: IOSpec) -> None:
        plan = output_plan(ladder, variant, DETECT, "yolov8")
        options = plan.options
        self._score = score_threshold(options)
        self._iou = number(options, "iou_threshold", 0.45, 0.0, 1.0)
        self._most = whole(options, "max_detections", 100, 1, 100_000)
        self._agnostic = flag(options, "class_agnostic", default=False)
        self._offset = whole(options, "label_offset", 0, 0, 1_000_000)
        self._labels = ladder.labels
        self._specs = spec.outputs
        self._image = ImageInput(
            variant.name, variant.input or InputPlan(), spec, ladder.max_pixels
        )
        self._decoder_name = plan.decoder
        classes = len(ladder.labels) + self._offset if ladder.labels else 0
        self._decoder: BoxDecoder = make_decoder(plan, OPTIONS, classes, spec)
        if not flag(options, "nms", getattr(self._decoder, "NMS", True)):
            self._iou = 1.0
        self._rehearse(variant.name)

    def prepare(self, incoming: Incoming) -> tuple[list[Array], Geometry | None]:
        """See ``Pipeline.prepare``."""
        return self._image.prepare(incoming)

    def finish(self, outputs: Sequence[Array], geometry: Geometry | None) -> TaskAnswer:
        """``boxes`` (x1 y1 x2 y2, pixels of the frame), ``scores``, ``classes`` and ``labels``, best first."""
        if geometry is None:
            raise InferenceFailed("cannot place boxes in a frame whose geometry is not known")
        found = self._decode(outputs)
        boxes = to_frame(found.boxes, geometry)
        classes = found.classes - self._offset
        # what lies in the padding alone is nowhere in the frame
        seen = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        at = np.flatnonzero(seen & (found.scores >= self._score) & (classes >= 0))
        kept = suppress(
            found.boxes[at],
            found.scores[at],
            None if self._agnostic else classes[at],
            self._iou,
            self._most,
        )
        at = at[kept]
        numbers = classes[at].tolist()
        return TaskAnswer(
            {
                "boxes": np.round(boxes[at], 2).tolist(),
                "scores": np.round(found.scores[at].astype(np.float64), 6).tolist(),
                "classes": numbers,
                "labels": [self._label(i) for i in numbers],
            }
        )

    def _label(self, index: int) -> str:
        return self._labels[index] if index < len(self._labels) else str(index)

    def _decode(self, outputs: Sequence[Array]) -> Detections:
        real = real_outputs(outputs, self._specs)
        try:
            with np.errstate(all="ignore"):  # what overflows is not finite, and refused below
                found = self._decoder(real, self._image.width, self._image.height)
            boxes, scores, classes = map(np.asarray, (found.boxes, found.scores, found.classes))
            well_formed = boxes.shape == (len(scores), 4) and scores.shape == classes.shape
        except EngineError as e:
            raise InferenceFailed(f"cannot decode with {self._decoder_name!r}: {e}") from e
        except DECODER_FAULTS as e:
            raise InferenceFailed(
                f"cannot decode with {self._decoder_name!r}: {type(e).__name__}: {e}"
            ) from e
        if not well_formed:
            raise InferenceFailed(
                f"cannot use what decoder {self._decoder_name!r} gives: boxes {list(boxes.shape)}, "
                f"scores {list(scores.shape)}, classes {list(classes.shape)}"
            )
        if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
            raise InferenceFailed(
                f"cannot use what decoder {self._decoder_name!r} gives: NaN or infinity"
            )
        return Detections(boxes, scores, classes.astype(np.int64))

    def _rehearse(self, variant: str) -> None:
        """Decode zeros once, so that shapes that cannot go together show when the variant is loaded."""
        zeros = [_zeros(spec) for spec in self._specs]
        if any(z is None for z in zeros):
            return
        try:
            self._decode([z for z in zeros if z is not None])
        except InferenceFailed as e:
            raise EngineError(f"cannot use {variant!r}: {e}") from e


def pipeline(ladder: LadderPlan, variant: VariantPlan, spec: IOSpec) -> Detector:
    """The PipelineFactory of task ``detect``."""
    return Detector(ladder, variant, spec)


def _zeros(spec: TensorSpec) -> Array | None:
    """An output of that kind, None where a dimension other than the batch is free."""
    shape = [1 if d is None and i == 0 else d for i, d in enumerate(spec.shape)]
    known = [d for d in shape if d is not None]
    return np.zeros(known, spec.dtype) if len(known) == len(shape) else None
