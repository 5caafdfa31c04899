"""The requests that wait for the engine: bounded in number and bytes, each with the moment it becomes worthless."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from edgerund.errors import Busy
from edgerund.wire import Buffer, Request

NEVER_S = float("inf")


@dataclass(slots=True)
class Waiting:
    """One request in the queue. ``expires_s`` is infinite where it has no deadline."""

    envelope: Sequence[Buffer]
    request: Request
    arrived_s: float
    expires_s: float

    @property
    def size_bytes(self) -> int:
        """What its payload keeps in memory."""
        return sum(len(p) for p in self.request.payload)


class WaitingRoom:
    """First come, first served. ``len`` is the number of requests that wait."""

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._queue: deque[Waiting] = deque()
        self._deadlines = 0
        self.queued_bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    def admit(self, w: Waiting) -> None:
        """Take a request in. Raises Busy where number or bytes are used up; one alone always fits."""
        if len(self._queue) >= self._max_requests or (
            self._queue and self.queued_bytes + w.size_bytes > self._max_bytes
        ):
            raise Busy(
                f"cannot queue another request: {len(self._queue)} wait already; "
                "send fewer at a time, or later"
            )
        self._queue.append(w)
        self.queued_bytes += w.size_bytes
        self._deadlines += w.expires_s != NEVER_S

    def pop(self) -> Waiting:
        """The oldest. IndexError if nobody waits."""
        w = self._queue.popleft()
        self._forget(w)
        return w

    def take_expired(self, now_s: float) -> list[Waiting]:
        """Those that are past their deadline, oldest first; the others stay in their order."""
        if not self._deadlines or all(w.expires_s > now_s for w in self._queue):
            return []
        late = [w for w in self._queue if w.expires_s <= now_s]
        self._queue = deque(w for w in self._queue if w.expires_s > now_s)
        for w in late:
            self._forget(w)
        return late

    def nearest_s(self) -> float:
        """When the next one expires; infinite if none does."""
        if not self._deadlines:
            return NEVER_S
        return min(w.expires_s for w in self._queue)

    def _forget(self, w: Waiting) -> None:
        self.queued_bytes -= w.size_bytes
        self._deadlines -= w.expires_s != NEVER_S
