from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from edgerund.daemon.listeners import listen
from edgerund.errors import StartError


def connect(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_the_socket_has_the_permissions_asked_for_whatever_the_umask(
    tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "a.sock"
    before = os.umask(0o077)
    try:
        listening = listen(f"ipc://{path}", mode)
        assert os.umask(0o077) == 0o077  # left as it was
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    connect(path)
    listening.close()
    assert not path.exists()


def test_the_file_of_a_daemon_that_died_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    listening = listen(f"ipc://{path}", 0o660)
    connect(path)
    listening.close()


def test_the_file_of_one_that_lives_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    first = listen(f"ipc://{path}", 0o660)
    with pytest.raises(StartError, match="another edgerund is running there"):
        listen(f"ipc://{path}", 0o660)
    connect(path)
    first.close()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    path.write_text("mine")
    with pytest.raises(StartError, match="cannot listen on"):
        listen(f"ipc://{path}", 0o660)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("ipc:///tmp/" + "x" * 120, "at most 107 bytes"),
        ("ipc:///nowhere/a.sock", "No such file"),
        ("tcp://127.0.0.1", "write tcp://address:port"),
        ("tcp://:5571", "write tcp://address:port"),
        ("tcp://127.0.0.1:99999", "write tcp://address:port"),
        ("tcp://192.0.2.1:5571", "cannot listen on"),
    ],
)
def test_what_cannot_be_is_one_sentence(endpoint: str, words: str) -> None:
    with pytest.raises(StartError, match=words) as caught:
        listen(endpoint, 0o660)
    assert str(caught.value).startswith("cannot listen on")


def test_tcp_listens_where_it_is_told() -> None:
    listening = listen("tcp://127.0.0.1:0", 0o660)
    host, port = listening.socket.getsockname()
    assert host == "127.0.0.1"
    with socket.create_connection((host, port), timeout=5):
        pass
    listening.close()
