"""The data sockets of a worker: how a ROUTER is bound, and what bounds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import zmq

RECEIVE_HWM = 16
"""Messages per client that libzmq may hold while the engine is busy; more wait in the client's own kernel."""
SEND_HWM = 256
MakeSocket: TypeAlias = "Callable[[zmq.Context[Any]], tuple[zmq.Socket[bytes], Callable[[], None]]]"


@dataclass(frozen=True, slots=True)
class Listener:
    """One endpoint. ``fd`` is a listening socket that outlives the worker, or None to bind afresh."""

    endpoint: str
    fd: int | None = None


def router(listeners: Sequence[Listener], max_bytes: int) -> MakeSocket:
    """A function that makes the ROUTER, to be called in the thread that will use it.

    It returns the socket and a function that begins to listen. A frame of more than twice ``max_bytes`` makes libzmq
    drop the connection before it allocates; one between the two gets its error reply. Replies to clients that have
    gone raise EHOSTUNREACH, so that they are counted.
    """

    def make(context: zmq.Context[Any]) -> tuple[zmq.Socket[bytes], Callable[[], None]]:
        socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        socket.set(zmq.RCVHWM, RECEIVE_HWM)
        socket.set(zmq.SNDHWM, SEND_HWM)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.MAXMSGSIZE, 2 * max_bytes)
        socket.set(zmq.ROUTER_MANDATORY, 1)

        def listen() -> None:
            for listener in listeners:
                socket.set(zmq.USE_FD, -1 if listener.fd is None else listener.fd)
                socket.bind(listener.endpoint)

        return socket, listen

    return make
