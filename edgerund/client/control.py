"""The control client: what the command line and scripts use to ask the daemon."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

import zmq

from edgerund.errors import ControlError
from edgerund.rundir import CONTROL_SOCKET


class ControlClient:
    """One connection to the daemon's control socket. Use it from one thread."""

    def __init__(self, runtime_dir: Path, timeout_s: float = 5.0) -> None:
        self._path = runtime_dir / CONTROL_SOCKET
        self._timeout_s = timeout_s
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        self._socket.set(zmq.LINGER, 0)
        self._socket.connect(f"ipc://{self._path}")

    def call(self, op: str, timeout_s: float | None = None, **arguments: Any) -> dict[str, Any]:
        """Do one operation; returns the reply without ``ok``.

        Raises:
            ControlError: no daemon, no answer in time, or the daemon refused (its own sentence and exit code).
        """
        if not self._path.is_socket():
            raise ControlError(
                f"cannot reach the daemon: there is no socket {self._path}; "
                "is it running, and is this its runtime_dir?"
            )
        wait_s = self._timeout_s if timeout_s is None else timeout_s
        self._socket.send_multipart([b"", json.dumps({"op": op, **arguments}).encode()])
        if not self._socket.poll(int(wait_s * 1e3)):
            raise ControlError(
                f"cannot reach the daemon: no answer on {self._path} within {wait_s:g} s"
            )
        reply: dict[str, Any] = json.loads(self._socket.recv_multipart()[-1])
        if not reply.pop("ok", False):
            error = ControlError(str(reply.get("error", "cannot do it: no reason given")))
            error.exit_code = int(reply.get("exit_code", ControlError.exit_code))
            raise error
        return reply

    def close(self) -> None:
        """Close the connection."""
        self._context.destroy(linger=0)

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
