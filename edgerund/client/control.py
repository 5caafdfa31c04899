"""The control client: what the command line and scripts use to ask the daemon."""

from __future__ import annotations

import json
import os
import time
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
        self._asked = 0
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        self._socket.set(zmq.LINGER, 0)
        try:
            self._socket.connect(f"ipc://{self._path}")
        except zmq.ZMQError as e:
            self.close()
            raise ControlError(
                f"cannot reach the daemon at {self._path}: {os.strerror(e.errno or 0)}"
            ) from e

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
        self._asked += 1
        # the envelope comes back as it was: an answer that is late for an earlier question tells itself apart
        envelope = [str(self._asked).encode(), b""]
        self._socket.send_multipart([*envelope, json.dumps({"op": op, **arguments}).encode()])
        reply = self._answer(envelope, wait_s)
        if not reply.pop("ok", False):
            error = ControlError(str(reply.get("error", "cannot do it: no reason given")))
            error.exit_code = int(reply.get("exit_code", ControlError.exit_code))
            raise error
        return reply

    def _answer(self, envelope: list[bytes], wait_s: float) -> dict[str, Any]:
        until_s = time.monotonic() + wait_s
        while self._socket.poll(max(0, int((until_s - time.monotonic()) * 1e3))):
            frames = self._socket.recv_multipart()
            if frames[:-1] == envelope:
                reply: dict[str, Any] = json.loads(frames[-1])
                return reply
        raise ControlError(
            f"cannot reach the daemon: no answer on {self._path} within {wait_s:g} s; it is starting, or hangs"
        )

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
