"""The control socket: one JSON object in, one JSON object out, over ZeroMQ in the runtime folder.

Requests are ``{"op": name, ...arguments}``; replies ``{"ok": true, ...}`` or ``{"ok": false, "error": sentence,
"exit_code": n}``. What an operator can do, a script can do.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import zmq

from edgerund.errors import ConfigError, ControlError, EdgerundError

Handler: TypeAlias = Callable[[Mapping[str, Any]], "dict[str, Any] | Pending"]
MAX_REQUEST_BYTES = 64 * 1024
MAX_PER_TURN = 64
log = logging.getLogger("edgerund.control")


class Pending:
    """An answer that comes later, such as that of a reload. ``finish`` may be called once."""

    def __init__(self) -> None:
        self.finish: Callable[[dict[str, Any] | EdgerundError], None] = lambda _answer: None


class ControlSocket:
    """Answers requests in the control thread with ``handlers``; holds no state of its own but the socket."""

    def __init__(self, endpoint: str, fd: int, handlers: Mapping[str, Handler]) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self.handlers = handlers
        self.socket: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        self.socket.set(zmq.LINGER, 200)
        self.socket.set(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
        self.socket.set(zmq.RCVHWM, 64)
        self.socket.set(zmq.SNDHWM, 64)
        self.socket.set(zmq.USE_FD, os.dup(fd))  # libzmq closes what it is given
        self.socket.bind(endpoint)

    def serve_waiting(self) -> None:
        """Answer what waits on the socket, but no flood for ever: the tick must come."""
        for _ in range(MAX_PER_TURN):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if b"" in frames:
                cut = frames.index(b"") + 1
                self._serve(frames[:cut], frames[cut:])

    def _serve(self, envelope: list[bytes], body: list[bytes]) -> None:
        try:
            answer = self._handle(body)
        except EdgerundError as e:
            self._send(envelope, e)
            return
        except Exception as e:  # a mistake in one answer must not end the daemon
            log.exception("cannot answer a request")
            self._send(envelope, ControlError(f"cannot do it: {type(e).__name__} in the daemon"))
            return
        if isinstance(answer, Pending):
            answer.finish = lambda later: self._send(envelope, later)
        else:
            self._send(envelope, answer)

    def _handle(self, body: list[bytes]) -> dict[str, Any] | Pending:
        try:
            request = json.loads(body[0]) if body else None
        except (ValueError, RecursionError) as e:
            raise ControlError(f"cannot read the request: {e}") from None
        if not isinstance(request, dict) or not isinstance(request.get("op"), str):
            raise ControlError('cannot read the request: send {"op": ...}')
        handler = self.handlers.get(request["op"])
        if handler is None:
            known = ", ".join(sorted(self.handlers))
            raise ControlError(f"cannot do {request['op']!r}: known are {known}")
        return handler(request)

    def _send(self, envelope: list[bytes], answer: dict[str, Any] | EdgerundError) -> None:
        if isinstance(answer, EdgerundError):
            body: dict[str, Any] = {
                "ok": False,
                "error": str(answer),
                "exit_code": answer.exit_code,
            }
            if isinstance(answer, ConfigError):
                body["problems"] = [
                    {"file": p.file, "line": p.line, "where": p.where, "message": p.message}
                    for p in answer.problems
                ]
        else:
            body = {"ok": True, **answer}
        try:
            self.socket.send_multipart([*envelope, json.dumps(body).encode()], zmq.NOBLOCK)
        except zmq.ZMQError:
            return  # whoever asked has gone

    def close(self) -> None:
        """Close the socket, giving replies under way a moment."""
        self._context.destroy(linger=200)
