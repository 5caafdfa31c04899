"""Listening sockets: made and held by the supervisor, lent to the workers.

A client's connection attempt then succeeds at any time, also while a worker is being restarted, and the file's
permissions are ours to set, which libzmq cannot.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from edgerund.errors import StartError

BACKLOG = 1024
"""Clients that may be waiting to connect while a worker is away (Linux allows up to net.core.somaxconn)."""


@dataclass(slots=True)
class Listening:
    """One endpoint with its socket."""

    endpoint: str
    socket: socket.socket

    def close(self, *, unlink: bool = True) -> None:
        """Close it, and remove its file."""
        self.socket.close()
        if unlink and self.endpoint.startswith("ipc://"):
            with contextlib.suppress(OSError):
                os.unlink(self.endpoint.removeprefix("ipc://"))  # noqa: PTH108


def listen(endpoint: str, mode: int) -> Listening:
    """Listen on ``ipc:///path`` or ``tcp://address:port``.

    Raises:
        StartError: taken by another process, no right to, or no such address.
    """
    try:
        if endpoint.startswith("ipc://"):
            return Listening(endpoint, _listen_unix(Path(endpoint.removeprefix("ipc://")), mode))
        return Listening(endpoint, _listen_tcp(endpoint))
    except OSError as e:
        raise StartError(f"cannot listen on {endpoint}: {e.strerror or e}") from e


def _listen_unix(path: Path, mode: int) -> socket.socket:
    if len(os.fsencode(path)) > 107:
        raise StartError(
            f"cannot listen on {path}: a socket's path has at most 107 bytes; shorten runtime_dir"
        )
    _remove_stale(path)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o777 & ~mode)
    try:
        s.bind(str(path))
        s.listen(BACKLOG)
    except OSError:
        s.close()
        raise
    finally:
        os.umask(before)
    return s


def _remove_stale(path: Path) -> None:
    """Remove the file of a daemon that died; refuse to take it from one that lives."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(str(path))
        except OSError as e:
            if e.errno in (errno.ECONNREFUSED, errno.ENOENT):
                path.unlink(missing_ok=True)
                return
            raise
    raise StartError(f"cannot listen on {path}: another edgerund is running there")


def _listen_tcp(endpoint: str) -> socket.socket:
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    host = host.strip("[]")
    if not port.isdigit() or int(port) > 65535 or not host:
        raise StartError(f"cannot listen on {endpoint}: write tcp://address:port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("" if host == "*" else host, int(port)))
        s.listen(BACKLOG)
    except OSError:
        s.close()
        raise
    return s
