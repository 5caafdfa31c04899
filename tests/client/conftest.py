from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgerund.client import Client


def start_server(address: str, life: int, fd: int = -1) -> subprocess.Popen[bytes]:
    """One life of ``tests/client/server.py``; ``fd`` is the listening socket that it takes over."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.client.server", address, str(fd), str(life)],
        pass_fds=[fd] if fd >= 0 else [],
        cwd=Path(__file__).parents[2],
    )


class Daemon:
    """What a supervisor is to a client: it holds the listening socket, its worker lives and dies."""

    def __init__(self, folder: Path, ladder: str = "test") -> None:
        self.folder = folder
        self.path = folder / f"{ladder}.sock"
        self.endpoint = f"ipc://{self.path}"
        self.life = 0
        self.worker: subprocess.Popen[bytes] | None = None
        self.listener: socket.socket | None = None
        self.listen()

    def listen(self) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(128)

    def start(self) -> Daemon:
        assert self.listener is not None
        self.life += 1
        fd = self.listener.fileno()
        self.worker = start_server(self.endpoint, self.life, fd)
        return self

    def wait_for_death(self) -> None:
        assert self.worker is not None
        self.worker.wait(20)

    def kill(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()
            self.worker = None

    def kill_all(self) -> None:
        """The supervisor goes too: nobody holds the listening socket, and its file is gone."""
        self.kill()
        if self.listener is not None:
            self.listener.close()
            self.listener = None
            self.path.unlink()


@pytest.fixture
def idle_daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon whose worker has not been started."""
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.kill_all()


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One for all tests of a module that leave it alive."""
    daemon = Daemon(tmp_path_factory.mktemp("run")).start()
    yield daemon
    daemon.kill_all()


@pytest.fixture
def client(shared_daemon: Daemon) -> Iterator[Client]:
    with Client(endpoint=shared_daemon.endpoint, timeout_s=20) as c:
        yield c
