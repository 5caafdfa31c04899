"""What is asked and not yet answered: ids, resending, duplicates. No sockets and no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgerund.errors import Busy, Expired, NoAnswer, RequestError
from edgerund.wire import Buffer, Reply, Request, encode_request, parse_reply


@dataclass(slots=True)
class Counters:
    """What happened since the client was made.

    ``stray``: replies that nobody waits for (late ones, duplicates after a resend); ``garbage``: messages that are
    no reply; ``lost``: connections that ended under us; ``resent``: requests sent a second time because of that.
    """

    asked: int = 0
    answered: int = 0
    resent: int = 0
    lost: int = 0
    stray: int = 0
    garbage: int = 0


@dataclass(slots=True, eq=False)
class Pending:
    """One request under way. It is done when ``reply`` or ``error`` is set."""

    request: Request
    asked_s: float
    resent: bool = False
    reply: Reply | None = None
    error: RequestError | None = None
    done_s: float = 0.0
    on_done: Callable[[], None] | None = None

    @property
    def done(self) -> bool:
        """True once nothing more will happen to it."""
        return self.reply is not None or self.error is not None


class Session:
    """The table of pending requests of one client.

    ``prefix`` makes the ids unique among clients, so that an answer which crosses a resend is harmless: whichever
    comes first counts, the second finds nobody waiting.
    """

    def __init__(self, prefix: str, max_in_flight: int = 64) -> None:
        self.counters = Counters()
        self._prefix = prefix
        self._max_in_flight = max_in_flight
        self._pending: dict[str, Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def begin(self, request: Request, now_s: float) -> Pending:
        """Take ``request`` in and give it an id.

        Raises:
            Busy: as many are in flight as this client allows.
        """
        if len(self._pending) >= self._max_in_flight:
            raise Busy(
                f"cannot send another request: {self._max_in_flight} are in flight; "
                "take a result first, or raise max_in_flight"
            )
        self.counters.asked += 1
        pending = Pending(replace(request, id=f"{self._prefix}-{self.counters.asked}"), now_s)
        self._pending[pending.request.id] = pending
        return pending

    def take(self, message: Sequence[Buffer], now_s: float) -> Pending | None:
        """Hold a received message against the table; the request that it completes, or None."""
        try:
            reply = parse_reply(message)
        except RequestError:
            self.counters.garbage += 1
            return None
        pending = self._pending.pop(reply.id, None)
        if pending is None:
            self.counters.stray += 1
            return None
        pending.reply = reply
        self.counters.answered += 1
        self._finish(pending, now_s)
        return pending

    def lose(self, now_s: float) -> list[Pending]:
        """The connection ended: what to send again, in the order of asking.

        A request is sent again once. If that is lost too it may be what brings the worker down, so it fails with
        NoAnswer; one whose deadline has passed meanwhile fails with Expired.
        """
        self.counters.lost += 1
        again = []
        for pending in list(self._pending.values()):
            if pending.resent:
                error: RequestError = NoAnswer(
                    "cannot get an answer: the worker went away twice with this request"
                )
            elif _left_ms(pending, now_s) <= 0:
                error = Expired(
                    f"cannot answer within {pending.request.deadline_ms:g} ms: the worker went away with it"
                )
            else:
                pending.resent = True
                self.counters.resent += 1
                again.append(pending)
                continue
            self.fail(pending, error, now_s)
        return again

    def fail(self, pending: Pending, error: RequestError, now_s: float) -> None:
        """End ``pending`` without a reply; one that comes later is stray. Nothing if it is done already."""
        if self._pending.pop(pending.request.id, None) is not None:
            pending.error = error
            self._finish(pending, now_s)

    def fail_all(self, error: RequestError, now_s: float) -> None:
        """End everything that is pending."""
        for pending in list(self._pending.values()):
            self.fail(pending, error, now_s)

    def _finish(self, pending: Pending, now_s: float) -> None:
        pending.done_s = now_s
        if pending.on_done is not None:
            pending.on_done()


def frames_of(pending: Pending, now_s: float) -> list[Buffer]:
    """What to send for ``pending`` now: a deadline counts from arrival, so a resend carries what is left of it."""
    request = pending.request
    if pending.resent and request.deadline_ms is not None:
        request = replace(request, deadline_ms=max(_left_ms(pending, now_s), 0.001))
    return encode_request(request)


def _left_ms(pending: Pending, now_s: float) -> float:
    deadline_ms = pending.request.deadline_ms
    return float("inf") if deadline_ms is None else deadline_ms - (now_s - pending.asked_s) * 1e3
