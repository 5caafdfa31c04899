"""The live engine with its pipeline: one request in, one reply out, every stage timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgerund.errors import EngineError, InferenceFailed
from edgerund.ports import Incoming
from edgerund.serve.mail import TakeOver
from edgerund.types import LadderPlan, Reason
from edgerund.wire import Known, Reply, Request, Timings, pack

Stages = tuple[float, float, float, float, float]
"""Milliseconds of queue, prepare, infer, finish, total (``stats.STAGES``)."""


class Live:
    """What answers now, and why it."""

    def __init__(
        self,
        ladder: LadderPlan,
        taken: TakeOver,
        clock: Callable[[], float],
    ) -> None:
        resident = self.resident = taken.resident
        self.name = resident.plan.name
        self._task = ladder.task
        self._clock = clock
        self._reason: Reason | None = None
        self._accuracy = resident.plan.card.accuracy
        self.relabel(taken.code, taken.text, taken.fps)

    def relabel(self, code: str, text: str, fps: float | None) -> None:
        """The reason and the advice that replies carry; an empty code means that nothing degrades the service."""
        self._reason = Reason(code, text) if code else None
        self._fps = fps

    def answer(self, request: Request, arrived_s: float, expires_s: float) -> tuple[Reply, Stages]:
        """Run one request.

        Raises:
            BadRequest, TooLarge: the frame. InferenceFailed: the engine, or outputs that are not finite.
        """
        resident, clock = self.resident, self._clock
        started_s = clock()
        if request.encoding == "jpeg":
            incoming = Incoming(jpeg=_bytes_of(request), colour=request.colour)
        else:
            incoming = Incoming(arrays=request.arrays(), colour=request.colour)
        inputs, geometry = resident.pipeline.prepare(incoming)
        prepared_s = clock()
        try:
            outputs = resident.engine.infer(inputs)
        except EngineError as e:
            raise InferenceFailed(f"cannot infer with {self.name!r}: {e}") from e
        inferred_s = clock()
        answer = resident.pipeline.finish(outputs, geometry)
        heads, payload = pack(
            answer.arrays, tuple(o["name"] for o in answer.result.get("outputs", ()))
        )
        done_s = clock()
        stages_ms = (
            (started_s - arrived_s) * 1e3,
            (prepared_s - started_s) * 1e3,
            (inferred_s - prepared_s) * 1e3,
            (done_s - inferred_s) * 1e3,
            (done_s - arrived_s) * 1e3,
        )
        reply = Reply(
            id=request.id,
            variant=self.name,
            task=self._task,
            result=answer.result,
            tensors=heads,
            payload=payload,
            reason=self._reason,
            suggested_fps=self._fps,
            accuracy=None if request.min_accuracy is None else self._judge(request.min_accuracy),
            timings=Timings(
                queue_us=int(stages_ms[0] * 1e3),
                prepare_us=int(stages_ms[1] * 1e3),
                infer_us=int(stages_ms[2] * 1e3),
                total_us=int(stages_ms[4] * 1e3),
            ),
            deadline=None
            if request.deadline_ms is None
            else "met"
            if done_s <= expires_s
            else "missed",
        )
        if reply.accuracy == "missed" and reply.reason is None:
            reply = replace(reply, reason=self._short_of(request.min_accuracy or 0.0))
        return reply, stages_ms

    def _judge(self, asked: float) -> Known:
        if self._accuracy is None:
            return "unknown"
        return "met" if self._accuracy >= asked else "missed"

    def _short_of(self, asked: float) -> Reason:
        """Nothing degrades the service, and still it is less than this client wants."""
        known = self._accuracy or 0.0
        text = (
            f"{self.name} is the best variant, with accuracy {known:.4g}; {asked:.4g} was asked for"
        )
        return Reason("floor", text, "accuracy", known, asked)


def _bytes_of(request: Request) -> bytes | memoryview:
    payload = request.payload[0]
    if isinstance(payload, bytearray):
        return memoryview(payload)
    return payload
