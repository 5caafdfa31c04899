"""Task classify: a frame in, the top-k labels and scores out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgerund.errors import EngineError, InferenceFailed
from edgerund.ports import Geometry, Incoming, ScoreDecoder, TaskAnswer
from edgerund.types import InputPlan, IOSpec, LadderPlan, TensorSpec, VariantPlan
from edgerund.vision.decoders import CLASSIFY
from edgerund.vision.finite import all_finite
from edgerund.vision.options import flag, whole
from edgerund.vision.output import DECODER_FAULTS, make_decoder, output_plan, real_outputs
from edgerund.vision.prepare import ImageInput

if TYPE_CHECKING:
    from edgerund.ports import Array

OPTIONS = frozenset(("background", "label_offset", "output"))
"""Options that every decoder of this task has."""


class Classifier:
    """The pipeline of one variant of a classify ladder."""

    def __init__(self, ladder: LadderPlan, variant: VariantPlan, spec: IOSpec) -> None:
        plan = output_plan(ladder, variant, CLASSIFY, "logits")
        self._image = ImageInput(
            variant.name, variant.input or InputPlan(), spec, ladder.max_pixels
        )
        self._decoder: ScoreDecoder = make_decoder(plan, OPTIONS, len(ladder.labels), spec)
        self._decoder_name = plan.decoder
        self._specs = spec.outputs
        self._own = plan.decoder not in CLASSIFY
        self._output = _choose_output(variant.name, plan.options, spec, self._own)
        background = flag(plan.options, "background", default=False)
        self._offset = whole(plan.options, "label_offset", int(background), 0, 1_000_000)
        self._labels = ladder.labels
        self._top_k = ladder.top_k
        if not self._own:
            _check_count(variant.name, spec.outputs[self._output], self._offset, ladder.labels)

    def prepare(self, incoming: Incoming) -> tuple[list[Array], Geometry | None]:
        """See ``Pipeline.prepare``."""
        return self._image.prepare(incoming)

    def finish(  # the protocol's: no geometry needed here
        self,
        outputs: Sequence[Array],
        geometry: Geometry | None,  # noqa: ARG002
    ) -> TaskAnswer:
        """``labels``, ``scores`` and ``classes`` of the best classes, best first; ties by lower index."""
        real = real_outputs(outputs, self._specs)
        try:
            scores = self._decoder(real if self._own else [real[self._output]])
            scores = np.asarray(scores).reshape(-1)[self._offset :]
        except DECODER_FAULTS as e:
            raise InferenceFailed(
                f"cannot decode: decoder {self._decoder_name!r}: {type(e).__name__}: {e}"
            ) from e
        if scores.size == 0 or (self._labels and scores.size != len(self._labels)):
            raise InferenceFailed(
                f"cannot label {scores.size} scores: the ladder has {len(self._labels)} labels"
            )
        if not all_finite(scores):
            raise InferenceFailed(
                f"cannot use the scores of decoder {self._decoder_name!r}: not finite"
            )
        best = top(scores, self._top_k)
        classes = best.tolist()
        labels = [self._labels[i] if self._labels else str(i) for i in classes]
        return TaskAnswer(
            {"labels": labels, "scores": np.round(scores[best], 6).tolist(), "classes": classes}
        )


def top(scores: Array, count: int) -> Array:
    """Indices of the ``count`` largest scores, largest first; equal ones in their own order."""
    if 0 < count < scores.size:
        bound = np.partition(scores, scores.size - count)[scores.size - count]
        candidates = np.flatnonzero(scores >= bound)
    else:
        candidates = np.arange(scores.size)
    order = np.argsort(-scores[candidates], kind="stable")
    return candidates[order][: max(1, count)]


def pipeline(ladder: LadderPlan, variant: VariantPlan, spec: IOSpec) -> Classifier:
    """The PipelineFactory of task ``classify``."""
    return Classifier(ladder, variant, spec)


def _choose_output(variant: str, options: Any, spec: IOSpec, own: bool) -> int:
    if own:
        return 0
    if len(spec.outputs) > 1 and "output" not in options:
        names = ", ".join(repr(o.name) for o in spec.outputs)
        raise EngineError(
            f"cannot choose among the outputs of {variant!r} ({names}): write output: N, counted from 0"
        )
    return whole(options, "output", 0, 0, len(spec.outputs) - 1)


def _check_count(variant: str, output: TensorSpec, offset: int, labels: Sequence[str]) -> None:
    """The output must hold one score per label (and those before ``offset``), as far as its shape tells."""
    sizes = [1 if d is None and i == 0 else d for i, d in enumerate(output.shape)]
    known = [d for d in sizes if d is not None]
    if len(known) < len(sizes):
        return
    found = math.prod(known)
    if (labels and found - offset != len(labels)) or found <= offset:
        hint = (
            "; write background: true if its first one means none of them"
            if found == len(labels) + 1 and not offset
            else ""
        )
        raise EngineError(
            f"cannot label the outputs of {variant!r}: {output.name!r} has {found} scores"
            f"{f' less {offset}' if offset else ''}, the ladder has {len(labels)} labels{hint}"
        )
