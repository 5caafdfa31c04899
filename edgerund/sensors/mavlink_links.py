"""The lines that MAVLink comes in on: UDP, or a serial device in raw mode; without pyserial."""

from __future__ import annotations

import os
import socket
import termios
from typing import Protocol


class Link(Protocol):
    """Bytes in and out. ``receive`` never blocks; what it raises (OSError) ends the process."""

    def fileno(self) -> int: ...
    def receive(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def trust(self) -> None: ...


class UdpLink:
    """``udpin:host:port`` listens, and answers where the vehicle was heard; ``udpout:host:port`` speaks first.

    ``trust`` says that what was received last came from our vehicle.
    """

    def __init__(self, listen: bool, host: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._peer: tuple[str, int] | None = None
        self._sender: tuple[str, int] | None = None
        if listen:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
        else:
            self._peer = (host, port)

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> bytes:
        try:
            data, self._sender = self._socket.recvfrom(65535)
        except (BlockingIOError, ConnectionRefusedError):
            return b""
        return data

    def trust(self) -> None:
        self._peer = self._sender

    def write(self, data: bytes) -> None:
        if self._peer is not None:
            try:
                self._socket.sendto(data, self._peer)
            except OSError:
                return  # nobody listens now; the next one may get through


class SerialLink:
    """A serial line in raw mode. Raises OSError as it opens, ValueError for a speed it cannot have."""

    def __init__(self, device: str, baud: int) -> None:
        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise ValueError(f"{baud} is no speed of a serial line")
        self._fd = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        mode = termios.tcgetattr(self._fd)
        mode[0] = mode[1] = mode[3] = 0
        mode[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
        mode[4] = mode[5] = speed
        termios.tcsetattr(self._fd, termios.TCSANOW, mode)

    def fileno(self) -> int:
        return self._fd

    def receive(self) -> bytes:
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError("the serial line was hung up")
        return data

    def write(self, data: bytes) -> None:
        try:
            os.write(self._fd, data)
        except BlockingIOError:
            return  # the line is full: telemetry may be lost

    def trust(self) -> None:
        """There is one other end."""


def open_link(url: str, baud: int) -> Link:
    """The link behind ``udpin:host:port``, ``udpout:host:port`` or a device. Raises OSError, ValueError."""
    kind, _, rest = url.partition(":")
    if kind in ("udpin", "udpout"):
        host, _, port = rest.rpartition(":")
        return UdpLink(kind == "udpin", host, int(port))
    return SerialLink(url, baud)
