"""Tells whoever subscribes what answers, why, and how far each limit is: one message per change.

The form is in ``docs/protocol.md``. Nobody can slow the daemon down here: the socket drops what a subscriber does not
take, keeps no more than ``SEND_HWM`` messages for each, and grants no subscription to what is no ladder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import zmq

from edgerund.clock import Clock
from edgerund.daemon.ladder_runtime import LadderRuntime
from edgerund.daemon.listeners import Listening
from edgerund.wire import reason_item

SEND_HWM = 16
MAX_PER_TURN = 64
MAX_TOPIC_BYTES = 256
EVERYTHING = b""
KEEP_ALIVE_S = 5.0
"""The state is told again after so long, so that a subscriber can tell peace from a daemon that is gone."""
LEAST_S = 0.2
"""Between two messages that differ in headroom alone."""


class WatchSocket:
    """The publishing side, with the last message of each topic for those who come later."""

    def __init__(self, listenings: Sequence[Listening]) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._last: dict[bytes, bytes] = {}
        self.socket: zmq.Socket[bytes] = self._context.socket(zmq.XPUB)
        self.socket.set(zmq.LINGER, 0)
        self.socket.set(zmq.SNDHWM, SEND_HWM)
        self.socket.set(zmq.RCVHWM, SEND_HWM)
        self.socket.set(zmq.MAXMSGSIZE, MAX_TOPIC_BYTES)
        # libzmq would remember every topic that anybody names; so only those that exist are granted
        self.socket.set(zmq.XPUB_MANUAL, 1)
        for listening in listenings:
            # libzmq closes what it is given
            self.socket.set(zmq.USE_FD, os.dup(listening.socket.fileno()))
            self.socket.bind(listening.endpoint)

    def publish(self, topic: bytes, body: bytes) -> None:
        """Send to all who want it, and keep it for newcomers. Never waits."""
        self._last[topic] = body
        self.socket.send_multipart([topic, body], zmq.NOBLOCK)

    def keep_only(self, topics: Iterable[bytes]) -> None:
        """Forget the others."""
        wanted = set(topics)
        self._last = {topic: body for topic, body in self._last.items() if topic in wanted}

    def serve_waiting(self) -> None:
        """Grant what newcomers ask for, and tell them how things stand; but no flood for ever."""
        news: set[bytes] = set()
        for _ in range(MAX_PER_TURN):
            try:
                message = self.socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                break
            verb, topic = message[:1], message[1:]
            if topic not in self._last and topic != EVERYTHING:
                continue
            if verb == b"\1":
                self.socket.set(zmq.SUBSCRIBE, topic)
                news |= {t for t in self._last if t.startswith(topic)}
            elif verb == b"\0":
                self.socket.set(zmq.UNSUBSCRIBE, topic)
        for topic in news:
            self.socket.send_multipart([topic, self._last[topic]], zmq.NOBLOCK)

    def close(self) -> None:
        """Close it; what waits for slow subscribers is dropped."""
        self._context.destroy(linger=0)


@dataclass(slots=True)
class _Told:
    """What was said last of one ladder."""

    state: dict[str, Any]
    at_s: float
    seq: int


class Watch:
    """Decides what is worth a message. Every method is called from the control thread."""

    def __init__(self, listenings: Sequence[Listening], clock: Clock) -> None:
        self._clock = clock
        self._socket = WatchSocket(listenings)
        self._told: dict[str, _Told] = {}
        self.socket = self._socket.socket
        self.serve_waiting = self._socket.serve_waiting
        self.close = self._socket.close

    def update(self, runtimes: Iterable[LadderRuntime]) -> None:
        """Tell what changed since the last message of each ladder."""
        now_s = self._clock.monotonic_s()
        found = {r.plan.name: state_of(r) for r in runtimes}
        if found.keys() != self._told.keys():
            self._told = {name: told for name, told in self._told.items() if name in found}
            self._socket.keep_only(map(topic_of, found))
        for name, state in found.items():
            told = self._told.get(name)
            if told is not None and not _worth_telling(told, state, now_s):
                continue
            seq = 1 if told is None else told.seq + 1
            self._told[name] = _Told(state, now_s, seq)
            message = {"v": 1, "seq": seq, "wall_s": round(self._clock.wall_s(), 3), **state}
            self._socket.publish(topic_of(name), json.dumps(message).encode())


def topic_of(ladder: str) -> bytes:
    """The first frame. It ends in a slash, so that no ladder's topic is the beginning of another's."""
    return ladder.encode() + b"/"


def state_of(r: LadderRuntime) -> dict[str, Any]:
    """What a subscriber is told of one ladder."""
    decision = r.decision
    best = decision is None or decision.variant == r.plan.variants[0].name
    card = next((v.card for v in r.plan.variants if v.name == r.live), None)
    return {
        "ladder": r.plan.name,
        "variant": r.live or None,
        "accuracy": None if card is None else card.accuracy,
        "reason": None if best or decision is None else reason_item(decision.reason),
        "headroom": {}
        if decision is None
        else {name: round(left, 2) for name, left in sorted(decision.headroom.items())},
    }


def _worth_telling(told: _Told, state: dict[str, Any], now_s: float) -> bool:
    if _gist(told.state) != _gist(state):
        return True
    passed_s = now_s - told.at_s
    if told.state["headroom"] != state["headroom"]:
        return passed_s >= LEAST_S
    return passed_s >= KEEP_ALIVE_S


def _gist(state: dict[str, Any]) -> tuple[Any, ...]:
    """All but the figures that move a little at every tick."""
    reason = state["reason"]
    return state["variant"], state["accuracy"], None if reason is None else reason["code"]
