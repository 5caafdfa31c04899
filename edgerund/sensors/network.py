"""Reachability of one configured peer: time of a TCP handshake, and the share that failed. Off by default."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections import deque
from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.types import NoData, Reading, Sense

LOSS_WINDOW = 20


class Network(FileSensor):
    """``net.<peer>.rtt_ms`` and ``net.<peer>.loss`` (0..1 over the last 20 tries).

    A refused connection is an answer too: the peer's kernel sent it. No ICMP, so no privilege is needed.

    Args:
        root: not used.
        clock: for the time of the handshake.
        peer: ``host:port``, or ``[v6]:port``.
        timeout_s: a handshake that takes longer is lost.
        period_s: how often.
    """

    period_s = 5.0

    def __init__(
        self,
        root: SysRoot,
        clock: Clock,
        peer: str = "",
        timeout_s: float = 1.0,
        period_s: float | None = None,
    ) -> None:
        super().__init__(root, clock, period_s)
        host, _, port = peer.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"cannot probe {peer!r}: write peer as host:port")
        if not 0 < timeout_s <= 60:
            raise ValueError(f"cannot wait {timeout_s} s: timeout_s must be above 0 and at most 60")
        self._peer, self._host, self._port = peer, host.strip("[]"), int(port)
        self._timeout_s = timeout_s
        self._tries: deque[bool] = deque(maxlen=LOSS_WINDOW)
        self._address: tuple[socket.AddressFamily, tuple[str, int]] | None = None

    def probe(self) -> str | None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError as e:
            return f"cannot resolve {self._host!r}: {e.strerror or e}"
        family, _, _, _, address = found[0]
        self._address = (family, (str(address[0]), self._port))
        return None

    def read(self) -> Iterable[Sense]:
        source = f"tcp://{self._peer}"
        rtt_s, why = self._handshake()
        self._tries.append(rtt_s is not None)
        name = f"net.{self._peer}.rtt_ms"
        if rtt_s is None:
            yield NoData(name, "offline", why, source)
        else:
            yield Reading(name, 1000 * rtt_s, "ms", 0.0, source)
        loss = self._tries.count(False) / len(self._tries)
        yield Reading(f"net.{self._peer}.loss", loss, "1", 0.0, source, "derived")

    def _handshake(self) -> tuple[float | None, str]:
        assert self._address is not None
        family, address = self._address
        with socket.socket(family, socket.SOCK_STREAM) as s:
            s.setblocking(False)
            began_s = self._clock.monotonic_s()
            code = s.connect_ex(address)
            if code == errno.EINPROGRESS:
                poller = select.poll()  # unlike select, it has no limit on descriptor numbers
                poller.register(s, select.POLLOUT)
                if not poller.poll(1000 * self._timeout_s):
                    return None, f"no answer within {self._timeout_s:g} s"
                code = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code in (0, errno.ECONNREFUSED):
                return self._clock.monotonic_s() - began_s, ""
            return None, os.strerror(code)
