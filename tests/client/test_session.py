from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from edgerund.client.session import Pending, Session, frames_of
from edgerund.errors import Busy, Expired, NoAnswer
from edgerund.wire import Reply, Request, encode_reply, parse_request


def reply_to(pending: Pending) -> list[Any]:
    return encode_reply([b""], Reply(pending.request.id, "v1"))


def test_ids_are_unique_and_carry_the_prefix() -> None:
    session = Session("me", max_in_flight=100)
    ids = [session.begin(Request(), 0.0).request.id for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(i.startswith("me-") for i in ids)


def test_a_reply_completes_its_request_and_its_twin_is_stray() -> None:
    session = Session("me")
    pending = session.begin(Request(), 1.0)
    called: list[bool] = []
    pending.on_done = lambda: called.append(pending.done)
    assert session.take(reply_to(pending), 3.5) is pending
    assert session.take(reply_to(pending), 4.0) is None
    assert pending.reply is not None
    assert (pending.done_s, called, session.counters.stray, len(session)) == (3.5, [True], 1, 0)


def test_a_late_answer_to_a_failed_request_is_stray_and_changes_nothing() -> None:
    session = Session("me")
    pending = session.begin(Request(), 0.0)
    session.fail(pending, NoAnswer("cannot"), 1.0)
    session.fail(pending, Busy("cannot"), 2.0)
    assert session.take(reply_to(pending), 3.0) is None
    assert isinstance(pending.error, NoAnswer)
    assert pending.reply is None


def test_the_first_loss_resends_in_order_and_the_second_fails() -> None:
    session = Session("me")
    first, second = session.begin(Request(), 0.0), session.begin(Request(), 0.0)
    assert session.lose(1.0) == [first, second]
    third = session.begin(Request(), 1.5)
    assert session.lose(2.0) == [third]
    assert isinstance(first.error, NoAnswer)
    assert isinstance(second.error, NoAnswer)
    assert session.counters.resent == 3
    assert session.counters.lost == 2


def test_a_resend_is_the_same_request_with_the_rest_of_its_deadline() -> None:
    session = Session("me")
    pending = session.begin(Request(deadline_ms=100.0), 10.0)
    assert parse_again(pending, 10.02).deadline_ms == 100.0
    assert session.lose(10.03) == [pending]
    again = parse_again(pending, 10.04)
    assert again.deadline_ms == pytest.approx(60.0)
    assert again.id == pending.request.id


def parse_again(pending: Pending, now_s: float) -> Request:
    # op infer needs a payload to be parsed, so look at a jpeg
    _, header, *_ = frames_of(pending, now_s)
    return parse_request([bytes(header).replace(b'"raw"', b'"jpeg"'), b"\xff\xd8\xff\xe0"])


def test_a_request_whose_deadline_passed_is_not_resent() -> None:
    session = Session("me")
    pending = session.begin(Request(deadline_ms=100.0), 10.0)
    assert session.lose(10.125) == []
    assert isinstance(pending.error, Expired)


def test_more_than_the_limit_is_busy_until_one_is_done() -> None:
    session = Session("me", max_in_flight=1)
    pending = session.begin(Request(), 0.0)
    with pytest.raises(Busy):
        session.begin(Request(), 0.0)
    session.take(reply_to(pending), 0.0)
    session.begin(Request(), 0.0)


class Conversation(RuleBasedStateMachine):
    """Requests, answers, late answers, garbage, losses in any order: each request ends once, in one way."""

    asked: Bundle[Pending] = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.session = Session("me", max_in_flight=5)
        self.all: list[Pending] = []
        self.sent: dict[str, int] = {}
        self.ends: dict[str, int] = {}
        self.now_s = 0.0

    @rule(target=asked, deadline_ms=st.none() | st.floats(1, 5000))
    def ask(self, deadline_ms: float | None) -> Any:
        try:
            pending = self.session.begin(Request(deadline_ms=deadline_ms), self.now_s)
        except Busy:
            assert len(self.session) == 5
            return multiple()
        self.all.append(pending)
        self.sent[pending.request.id] = 1
        self.ends[pending.request.id] = 0

        def ended() -> None:
            self.ends[pending.request.id] += 1

        pending.on_done = ended
        return pending

    @rule(pending=asked)
    def answer(self, pending: Pending) -> None:
        was_done = pending.done
        assert (self.session.take(reply_to(pending), self.now_s) is pending) is not was_done

    @rule(message=st.lists(st.binary(max_size=4), max_size=3))
    def garbage(self, message: list[bytes]) -> None:
        assert self.session.take(message, self.now_s) is None

    @rule(pending=consumes(asked))
    def give_up(self, pending: Pending) -> None:
        self.session.fail(pending, NoAnswer("cannot"), self.now_s)
        assert pending.done

    @rule()
    def lose(self) -> None:
        for pending in self.session.lose(self.now_s):
            self.sent[pending.request.id] += 1

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @invariant()
    def each_request_ends_at_most_once_and_is_sent_at_most_twice(self) -> None:
        for pending in self.all:
            key = pending.request.id
            assert self.ends[key] == int(pending.done)
            assert pending.reply is None or pending.error is None
            assert self.sent[key] <= 2
        assert len(self.session) == sum(not p.done for p in self.all)


Conversation.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestConversation = Conversation.TestCase
