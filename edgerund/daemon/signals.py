"""SIGTERM, SIGINT and SIGHUP as something to poll: none ends a call in the middle, none is lost while starting."""

from __future__ import annotations

import signal
import socket

STOP = frozenset({signal.SIGTERM, signal.SIGINT})
RELOAD = frozenset({signal.SIGHUP})


class Signals:
    """From ``__init__`` to ``close`` signals only make ``fileno()`` readable. Main thread only."""

    def __init__(self) -> None:
        self._kept: frozenset[int] = frozenset()
        self._out, self._in = socket.socketpair()
        self._out.setblocking(False)
        self._in.setblocking(False)
        self._previous = signal.set_wakeup_fd(self._in.fileno(), warn_on_full_buffer=False)
        self._before = {n: signal.signal(n, lambda *_: None) for n in STOP | RELOAD}

    def fileno(self) -> int:
        """The descriptor to poll for reading."""
        return self._out.fileno()

    def take(self) -> frozenset[int]:
        """The numbers that came since the last call."""
        kept, self._kept = self._kept, frozenset()
        try:
            return kept | frozenset(self._out.recv(4096))
        except BlockingIOError:
            return kept

    def stop_wanted(self) -> bool:
        """Whether to stop; whatever else came is kept for ``take``."""
        self._kept = self.take()
        return bool(self._kept & STOP)

    def close(self) -> None:
        """Everything as it was before."""
        signal.set_wakeup_fd(self._previous)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._out.close()
        self._in.close()
