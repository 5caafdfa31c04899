"""What a request comes back with: the task's result, who answered, and where the time went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from edgerund.errors import WIRE_ERRORS, RequestError
from edgerund.types import Reason
from edgerund.wire import Known, Outcome, Reply, Timings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Label(NamedTuple):
    """One class of a classifier, with its score in 0..1."""

    label: str
    score: float


class Detection(NamedTuple):
    """One object: ``box`` is x1, y1, x2, y2 in pixels of the frame that was sent."""

    label: str
    score: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        variant: which variant of the ladder answered.
        reason: why it is not the best one; None while nothing degrades the service.
        task: ``classify``, ``detect`` or ``tensor``; decides what ``result`` holds.
        result: the task's result as it came.
        outputs: raw outputs of task ``tensor``, read-only; ``names`` are theirs.
        timings: microseconds in the daemon.
        deadline: ``met`` or ``missed``; None if the request had none.
        accuracy: whether the variant is known to have the accuracy that was asked for: ``met``, ``missed`` (then
            ``reason`` tells why) or ``unknown``; None if none was asked for.
        suggested_fps: how many frames a second all clients of this ladder together had better send; None unless the
            operator's policy gives such advice.
        round_trip_ms: from asking to answer, as this client saw it.
        resent: the worker went away meanwhile, and the request was sent a second time.
    """

    variant: str
    task: str
    result: Mapping[str, Any]
    outputs: tuple[NDArray[Any], ...] = ()
    names: tuple[str, ...] = ()
    reason: Reason | None = None
    timings: Timings | None = None
    deadline: Outcome | None = None
    round_trip_ms: float = 0.0
    resent: bool = False
    accuracy: Known | None = None
    suggested_fps: float | None = None

    @property
    def degraded(self) -> bool:
        """True while something keeps the best variant from answering; ``reason`` tells what."""
        return self.reason is not None

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels, best first (classify), or one per box (detect)."""
        return tuple(self.result.get("labels", ()))

    @property
    def scores(self) -> tuple[float, ...]:
        """Scores in 0..1, one per label."""
        return tuple(self.result.get("scores", ()))

    @property
    def classes(self) -> tuple[int, ...]:
        """Numbers of the classes in the ladder's list of labels, one per label."""
        return tuple(self.result.get("classes", ()))

    @property
    def boxes(self) -> NDArray[np.float32]:
        """Float32 [N, 4]: x1, y1, x2, y2 in pixels of the frame that was sent."""
        import numpy as np

        return np.asarray(self.result.get("boxes", ()), np.float32).reshape(-1, 4)

    @property
    def top(self) -> Label | None:
        """The best label; None if there is none."""
        labels, scores = self.labels, self.scores
        return Label(labels[0], scores[0]) if labels and scores else None

    @property
    def detections(self) -> tuple[Detection, ...]:
        """The objects found, best first."""
        return tuple(
            Detection(label, score, (box[0], box[1], box[2], box[3]))
            for label, score, box in zip(
                self.labels, self.scores, self.result.get("boxes", ()), strict=False
            )
        )


def to_answer(reply: Reply, round_trip_ms: float, resent: bool) -> Answer:
    """The answer in ``reply``. Raises the RequestError that its error code stands for."""
    if reply.error is not None:
        known = WIRE_ERRORS.get(reply.error.code)
        if known is None:
            raise RequestError(f"{reply.error.message} ({reply.error.code})")
        raise known(reply.error.message)
    return Answer(
        variant=reply.variant,
        task=reply.task,
        result=reply.result,
        outputs=tuple(reply.arrays()),
        names=tuple(t.name for t in reply.tensors),
        reason=reply.reason,
        timings=reply.timings,
        deadline=reply.deadline,
        round_trip_ms=round_trip_ms,
        resent=resent,
        accuracy=reply.accuracy,
        suggested_fps=reply.suggested_fps,
    )
