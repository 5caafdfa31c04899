"""SSD with its post-processing inside the model: four tensors that are detections already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgerund.errors import EngineError
from edgerund.vision.decoders import rows
from edgerund.vision.options import word, words

if TYPE_CHECKING:
    from edgerund.ports import Array, Detections
    from edgerund.types import IOSpec


class Ssd:
    """boxes [1,N,4], classes [1,N], scores [1,N] and their count [1], as TFLite_Detection_PostProcess gives them.

    Boxes are y1 x1 y2 x2 in 0..1 unless the options say otherwise. Suppression has been done by the model.
    """

    OPTIONS = frozenset(("box_order", "coordinates", "outputs"))
    NMS = False

    def __init__(self, options: Mapping[str, Any], spec: IOSpec) -> None:
        names = words(options, "outputs", ("boxes", "classes", "scores", "count"))
        if len(spec.outputs) != len(names):
            raise EngineError(
                f"cannot decode {len(spec.outputs)} outputs as {', '.join(names)}: that is 4"
            )
        self._at = {name: i for i, name in enumerate(names)}
        self._order = word(options, "box_order", "yxyx", rows.BOX_ORDERS)
        self._pixel = rows.in_pixels(options, "normalised")

    def __call__(self, outputs: Sequence[Array], width: int, height: int) -> Detections:
        """See ``BoxDecoder``."""
        boxes = rows.matrix(outputs[self._at["boxes"]], "boxes [1, N, 4]")
        scores = outputs[self._at["scores"]].reshape(-1)
        classes = outputs[self._at["classes"]].reshape(-1)
        if boxes.shape != (len(scores), 4) or len(classes) != len(scores):
            shapes = [list(outputs[self._at[n]].shape) for n in ("boxes", "classes", "scores")]
            raise EngineError(f"shapes {shapes} are not boxes, classes and scores")
        # what lies behind the count is left over from another frame
        count = max(0, min(len(scores), round(float(outputs[self._at["count"]].reshape(-1)[0]))))
        found = rows.corners(boxes[:count], self._order)
        scale = None if self._pixel else (width, height)
        return rows.detections(found, scores[:count], classes[:count].round(), scale)
