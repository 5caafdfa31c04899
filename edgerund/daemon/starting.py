"""What the control socket answers before the daemon is ready: that it starts, and what it waits for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import edgerund
from edgerund.clock import Clock
from edgerund.config.assembly import Assembly
from edgerund.daemon.fleet import Fleet
from edgerund.daemon.listeners import Listening
from edgerund.errors import ControlError

if TYPE_CHECKING:
    from edgerund.daemon.control import ControlSocket, Handler

OPEN_AFTER_S = 0.5
"""A start that is over sooner is not held up by imports; whoever asks meanwhile is answered right after it."""


class Starting:
    """Holds the control socket until the supervisor takes it over."""

    def __init__(
        self,
        assembly: Assembly,
        listening: Listening,
        fleet: Fleet,
        clock: Clock,
        started_s: float,
    ) -> None:
        self._assembly = assembly
        self._listening = listening
        self._fleet = fleet
        self._clock = clock
        self._started_s = started_s
        self._control: ControlSocket | None = None

    def turn(self) -> bool:
        """Answer whoever asked; call it often. False while the start is too young to be worth a word."""
        if self._control is None:
            if self._clock.monotonic_s() - self._started_s < OPEN_AFTER_S:
                return False
            self._control = self._open(self._handlers())
        self._control.serve_waiting()
        return True

    def hand_over(self, handlers: Mapping[str, Handler]) -> ControlSocket:
        """The socket for the daemon that runs, with the answers of one."""
        if self._control is None:
            return self._open(handlers)
        control, self._control = self._control, None
        control.handlers = handlers
        return control

    def close(self) -> None:
        """Close the socket, if nobody took it over; the listener stays."""
        if self._control is not None:
            self._control.close()
            self._control = None

    def words(self) -> str:
        """One line for ``systemctl status``, and for whoever wants too much too early."""
        from edgerund.daemon.status import waits_for

        return f"starting; {', '.join(waits_for(self._fleet)) or 'nothing left to wait for'}"

    def _open(self, handlers: Mapping[str, Handler]) -> ControlSocket:
        from edgerund.daemon.control import ControlSocket

        return ControlSocket(self._listening.endpoint, self._listening.socket.fileno(), handlers)

    def _handlers(self) -> dict[str, Handler]:
        from edgerund.daemon.handlers import OPS

        return {**dict.fromkeys(OPS, self._refuse), "ping": self._ping, "status": self._status}

    def _refuse(self, request: Mapping[str, Any]) -> dict[str, Any]:
        raise ControlError(f"cannot do {request['op']!r} yet: the daemon is {self.words()}")

    def _ping(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        told = {"version": edgerund.__version__, "pid": os.getpid()}
        return {**told, "ready": False, "starting": True}

    def _status(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        from edgerund.daemon.status import fleet_status

        now_s = self._clock.monotonic_s()
        return fleet_status(self._assembly, self._fleet, now_s, self._started_s)
