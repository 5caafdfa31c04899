"""Follows what a daemon's ladders do: which variant answers, why, and how far each limit is."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from edgerund.errors import NoAnswer, UsageError
from edgerund.rundir import SUFFIX, WATCH_SOCKET
from edgerund.types import Reason

RECEIVE_HWM = 256
RECONNECT_MS, RECONNECT_MAX_MS = 10, 1000


@dataclass(frozen=True, slots=True)
class Change:
    """How things stand with one ladder.

    Attributes:
        ladder: its name.
        variant: which variant answers; None while none does.
        accuracy: that variant's, 0..1 by the ladder's own metric; None: not measured.
        reason: why it is not the best one; None while nothing degrades the service.
        headroom: per constraint 0 (at the limit) .. 1 (far from it), such as ``temperature``, ``power``, ``battery``,
            ``latency``; only those that the policy has.
        wall_s: when the daemon said so, Unix epoch.
        seq: counts the daemon's messages about this ladder; a gap: some were too many for this reader.
    """

    ladder: str
    variant: str | None
    accuracy: float | None = None
    reason: Reason | None = None
    headroom: Mapping[str, float] = field(default_factory=dict)
    wall_s: float = 0.0
    seq: int = 0

    def same_as(self, other: Change | None) -> bool:
        """True where nothing but the time differs: the daemon repeats itself, to be heard."""
        if other is None:
            return False
        mine, theirs = (
            (c.ladder, c.variant, c.accuracy, c.reason, c.headroom) for c in (self, other)
        )
        return mine == theirs


def watch_address(endpoint: str) -> tuple[str, str]:
    """The watch socket beside a ladder's socket, and the ladder's name.

    Raises:
        UsageError: not a socket in a runtime folder.
    """
    path = Path(endpoint.removeprefix("ipc://"))
    if not endpoint.startswith("ipc:///") or path.suffix != SUFFIX:
        raise UsageError(
            f"cannot watch {endpoint}: it is no socket in a runtime folder; name the daemon's watch endpoint "
            "(watch_endpoints in its settings)"
        )
    return f"ipc://{path.with_name(WATCH_SOCKET)}", path.name.removesuffix(SUFFIX)


class Watcher:
    """One subscription. Used from the thread that made it; ``ladder`` None: all of them."""

    def __init__(self, address: str, ladder: str | None) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        self.address = address
        self._ladder = ladder
        self._last: dict[str, Change] = {}
        self._socket = context.socket(zmq.SUB)
        self._socket.linger = 0
        self._socket.rcvhwm = RECEIVE_HWM
        self._socket.reconnect_ivl = RECONNECT_MS
        self._socket.reconnect_ivl_max = RECONNECT_MAX_MS
        # to everything: a ladder that the daemon does not have yet cannot be subscribed to
        self._socket.subscribe(b"")
        try:
            self._socket.connect(address)
        except zmq.ZMQError as e:
            self.close()
            raise UsageError(
                f"cannot connect to {address!r}: {e}; write ipc:///path or tcp://host:port"
            ) from e

    def descriptor(self) -> int:
        """What an event loop watches; edge-triggered: ``take`` until it is empty."""
        return int(self._socket.fd)

    def wait(self, timeout_s: float | None) -> None:
        """Until something came.

        Raises:
            NoAnswer: nothing came within ``timeout_s``; also a daemon at peace says something every 5 s.
        """
        if not self._socket.poll(None if timeout_s is None else max(0, int(timeout_s * 1e3))):
            raise self.silent(timeout_s)

    def silent(self, timeout_s: float | None) -> NoAnswer:
        """What to raise when nothing came within ``timeout_s``."""
        return NoAnswer(
            f"cannot hear the daemon at {self.address}: no word within {timeout_s:g} s; is it running?"
        )

    def take(self) -> list[Change]:
        """What changed since the last call: the newest state of each ladder, if it is news."""
        newest: dict[str, Change] = {}
        while int(self._socket.get(zmq.EVENTS)) & zmq.POLLIN:
            change = parse_change(self._socket.recv_multipart(zmq.NOBLOCK))
            if change is not None and self._ladder in (None, change.ladder):
                newest[change.ladder] = change
        news = [c for c in newest.values() if not c.same_as(self._last.get(c.ladder))]
        self._last.update(newest)
        return news

    def close(self) -> None:
        """End the subscription. Closing twice is allowed."""
        self._socket.close()


def watch(
    ladder: str | None = None, *, address: str, timeout_s: float | None = None
) -> Generator[Change, None, None]:
    """Changes as they come, first how things stand now; a slow reader gets the newest state, never a backlog.

    It goes on over restarts of the daemon.

    Args:
        ladder: one ladder; None: all.
        address: the watch socket's ZeroMQ address.
        timeout_s: how long to wait for a word of the daemon, which speaks every 5 s at least; None: for ever.

    Raises:
        NoAnswer: nothing was heard for ``timeout_s``.
        UsageError: an address that ZeroMQ does not understand.
    """
    watcher = Watcher(address, ladder)
    try:
        while True:
            watcher.wait(timeout_s)
            yield from watcher.take()
    finally:
        watcher.close()


def parse_change(frames: Sequence[bytes]) -> Change | None:
    """The message as the daemon sends it (topic, JSON); None for what is no such message."""
    try:
        told = json.loads(frames[1])
        reason = told["reason"]
        return Change(
            ladder=str(told["ladder"]),
            variant=_text(told["variant"]),
            accuracy=_number(told.get("accuracy")),
            reason=None if reason is None else _reason(reason),
            headroom={str(name): float(left) for name, left in told["headroom"].items()},
            wall_s=float(told.get("wall_s", 0.0)),
            seq=int(told.get("seq", 0)),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None


def runtime_watch_address(folder: str | os.PathLike[str]) -> str:
    """The address of the watch socket in a runtime folder."""
    return f"ipc://{Path(folder).absolute() / WATCH_SOCKET}"


def _reason(item: Mapping[str, Any]) -> Reason:
    return Reason(
        str(item["code"]),
        str(item["text"]),
        str(item.get("constraint", "")),
        _number(item.get("observed")),
        _number(item.get("limit")),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
