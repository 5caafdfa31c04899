"""One life of a worker as the supervisor sees it: the process, and the socket that ends with it."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
from collections import deque
from typing import Protocol

from edgerund.types import worker as w

log = logging.getLogger("edgerund.worker")


class Child(Protocol):
    """A worker process, perhaps not forked yet."""

    @property
    def pid(self) -> int | None: ...

    def kill(self) -> None: ...

    def ended(self) -> str | int | None:
        """Why there never was a process, or its exit code (negative: a signal), or None if it is unknown."""
        ...


class WorkerLink:
    """Never blocks; whatever goes wrong on the socket shows as the end of the worker."""

    def __init__(self, child: Child, sock: socket.socket) -> None:
        self._child = child
        self._socket = sock
        self._asked: deque[tuple[int, float]] = deque()
        self.hung = False

    def fileno(self) -> int:
        """The socket to poll."""
        return self._socket.fileno()

    @property
    def pid(self) -> int | None:
        """The process id; None before it is forked."""
        return self._child.pid

    def send(self, message: w.Message) -> None:
        """Say one thing; lost if the worker is gone, or so busy that hundreds of packets wait."""
        with contextlib.suppress(OSError):  # its death is seen by receive
            self._socket.send(w.encode(message))

    def ask(self, seq: int, now_s: float) -> None:
        """Ask for figures."""
        if self.pid is not None:  # before that nobody can answer
            self._asked.append((seq, now_s))
        self.send(w.Ask(seq))

    def silent_since_s(self) -> float | None:
        """When the oldest question was asked that has no answer; None if all have.

        Silence counts from a question, not from the last word: who is not asked has nothing to say, also where
        the supervisor itself stood still.
        """
        return self._asked[0][1] if self._asked else None

    def receive(self) -> tuple[list[w.Message], bool]:
        """What the worker said, and whether it lives."""
        heard: list[w.Message] = []
        while True:
            try:
                packet = self._socket.recv(4 * w.MAX_PACKET_BYTES)
            except BlockingIOError:
                return heard, True
            except OSError:
                return heard, False
            if not packet:
                return heard, False
            try:
                message = w.decode(packet)
            except (ValueError, KeyError, TypeError) as e:
                log.error("cannot understand worker %s: %r; killing it", self.pid, e)
                self.kill()
                return heard, False
            while (
                isinstance(message, w.Report) and self._asked and self._asked[0][0] <= message.seq
            ):
                self._asked.popleft()
            heard.append(message)

    def kill(self) -> None:
        """SIGKILL; the end of the socket follows."""
        self._child.kill()

    def close(self) -> str | int | None:
        """Let go of it: why it never started, its exit code, or None."""
        self._socket.close()
        return self._child.ended()


def how(end: str | int | None) -> str:
    """The end of a worker in words."""
    if end is None:
        return "its socket closed"
    if isinstance(end, str):
        return end
    if end < 0:
        try:
            return f"signal {signal.Signals(-end).name}"
        except ValueError:
            return f"signal {-end}"
    return f"exit code {end}"
