from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgerund.errors import Busy
from edgerund.serve.waiting import NEVER_S, Waiting, WaitingRoom
from edgerund.wire import Request

MAX_REQUESTS, MAX_BYTES = 4, 100


class RoomMachine(RuleBasedStateMachine):
    """Against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.room = WaitingRoom(MAX_REQUESTS, MAX_BYTES)
        self.model: list[Waiting] = []

    @rule(size=st.integers(0, 150), expires_s=st.one_of(st.just(NEVER_S), st.floats(0, 100)))
    def admit(self, size: int, expires_s: float) -> None:
        w = Waiting([b""], Request(payload=(memoryview(bytes(size)),)), 0.0, expires_s)
        fits = len(self.model) < MAX_REQUESTS and (
            not self.model or sum(x.size_bytes for x in self.model) + size <= MAX_BYTES
        )
        if fits:
            self.room.admit(w)
            self.model.append(w)
        else:
            with pytest.raises(Busy, match=f"{len(self.model)} wait already"):
                self.room.admit(w)

    @precondition(lambda self: self.model)
    @rule()
    def pop(self) -> None:
        assert self.room.pop() is self.model.pop(0)

    @rule(now_s=st.floats(0, 100))
    def expire(self, now_s: float) -> None:
        late = self.room.take_expired(now_s)
        assert [id(w) for w in late] == [id(w) for w in self.model if w.expires_s <= now_s]
        self.model = [w for w in self.model if w.expires_s > now_s]

    @invariant()
    def books_are_right(self) -> None:
        assert len(self.room) == len(self.model)
        assert self.room.queued_bytes == sum(w.size_bytes for w in self.model)
        assert self.room.nearest_s() == min((w.expires_s for w in self.model), default=NEVER_S)


RoomMachine.TestCase.settings = settings(max_examples=100, deadline=None)
TestRoom = RoomMachine.TestCase
