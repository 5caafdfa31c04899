"""The data sockets of a worker: how a ROUTER is bound, and what bounds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import zmq

RECEIVE_HWM = 16
"""Messages per client that libzmq may hold while the engine is busy; more wait in the client's own kernel."""
SEND_HWM = 256


@dataclass(frozen=True, slots=True)
class Listener:
    """One endpoint. ``fd`` is a listening socket that outlives the worker, or None to bind afresh."""

    endpoint: str
    fd: int | None = None


def router(
    listeners: Sequence[Listener], max_bytes: int
) -> Callable[[zmq.Context[Any]], zmq.Socket[bytes]]:
    """A function that makes the ROUTER, to be called in the thread that will use it.

    A frame of more than twice ``max_bytes`` makes libzmq drop the connection before it allocates; one between the
    two gets its error reply. Replies to clients that have gone raise EHOSTUNREACH, so that they are counted.
    """

    def bind(context: zmq.Context[Any]) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        socket.set(zmq.RCVHWM, RECEIVE_HWM)
        socket.set(zmq.SNDHWM, SEND_HWM)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.MAXMSGSIZE, 2 * max_bytes)
        socket.set(zmq.ROUTER_MANDATORY, 1)
        for listener in listeners:
            socket.set(zmq.USE_FD, -1 if listener.fd is None else listener.fd)
            socket.bind(listener.endpoint)
        return socket

    return bind
