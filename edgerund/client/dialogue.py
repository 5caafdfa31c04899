"""One client's talk with one ladder, without waiting: what the synchronous and the asynchronous client share."""

from __future__ import annotations

import os
import uuid

from edgerund.client.answer import Answer, to_answer
from edgerund.client.endpoint import find_endpoint
from edgerund.client.link import Link
from edgerund.client.session import Counters, Pending, Session, frames_of
from edgerund.clock import Clock, SystemClock
from edgerund.errors import NoAnswer, UsageError
from edgerund.wire import Request

DEFAULT_TIMEOUT_S = 5.0


class Dialogue:
    """Session and link together. Used from one thread; a forked child must make its own.

    Raises:
        UsageError, StartError: as ``find_endpoint`` does.
    """

    def __init__(
        self,
        ladder: str | None,
        endpoint: str | None,
        runtime_dir: str | os.PathLike[str] | None,
        max_in_flight: int,
        clock: Clock | None = None,
    ) -> None:
        self.link = Link(find_endpoint(ladder, endpoint, runtime_dir))
        self._session = Session(uuid.uuid4().hex[:12], max_in_flight)
        self._clock = clock or SystemClock()
        self._pid = os.getpid()
        self._closed = False

    @property
    def counters(self) -> Counters:
        """What happened so far."""
        return self._session.counters

    def now_s(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic_s()

    def ask(self, request: Request) -> Pending:
        """Send ``request``.

        Raises:
            Busy: too many in flight.
            UsageError: closed, forked, or an address that ZeroMQ does not understand.
        """
        self.check()
        if not self.link.is_open:
            self.link.open()
        elif self.link.lost():  # else this request would count as lost with those that were
            self._recover()
        now_s = self.now_s()
        pending = self._session.begin(request, now_s)
        self.link.send(frames_of(pending, now_s))
        return pending

    def turn(self) -> None:
        """Take what has come; after a lost connection, connect afresh and resend."""
        lost = self.link.lost()  # asked first: then every reply of the lost connection lies ready
        self._take()
        if lost:
            self._recover()

    def give_up(self, pending: Pending, timeout_s: float) -> None:
        """End ``pending`` with NoAnswer, unless it is done."""
        why = (
            "it took the request but did not answer"
            if self.link.connected
            else "nobody listens there"
        )
        error = NoAnswer(
            f"cannot get an answer from {self.link.endpoint} within {timeout_s:g} s: {why} "
            "(edgerund status tells more)"
        )
        self._session.fail(pending, error, self.now_s())

    def drop(self, pending: Pending) -> None:
        """Stop waiting for ``pending``; its answer is dropped when it comes. Nothing if it is done."""
        self._session.fail(
            pending, NoAnswer("cannot get an answer: nobody waits for it any more"), self.now_s()
        )

    def close(self) -> None:
        """Fail what is pending and drop the connection. Closing twice is allowed."""
        self._closed = True
        if self._pid == os.getpid():
            self.link.close()
            self._session.fail_all(
                NoAnswer("cannot get an answer: the client was closed"), self.now_s()
            )

    def check(self) -> None:
        """Raises UsageError for a client that is closed or was inherited over fork."""
        if self._closed:
            raise UsageError("cannot use a client that is closed: make a new one")
        if self._pid != os.getpid():
            raise UsageError("cannot use a client after fork: make a new one in the child")

    def _take(self) -> None:
        now_s = self.now_s()
        for message in self.link.receive():
            self._session.take(message, now_s)

    def _recover(self) -> None:
        self._take()
        self.link.reopen()
        now_s = self.now_s()
        for pending in self._session.lose(now_s):
            self.link.send(frames_of(pending, now_s))


def outcome(pending: Pending) -> Answer:
    """The answer of a pending request that is done. Raises the RequestError that it ended with."""
    if pending.error is not None:
        raise pending.error
    assert pending.reply is not None
    return to_answer(pending.reply, (pending.done_s - pending.asked_s) * 1e3, pending.resent)
