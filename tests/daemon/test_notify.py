from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgerund.daemon.notify import Notifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(tmp_path / "notify"))
        s.settimeout(5)
        yield s


def heard(s: socket.socket) -> str:
    return s.recv(4096).decode()


def test_the_messages_are_those_of_sd_notify(systemd: socket.socket, tmp_path: Path) -> None:
    n = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"})
    n.ready()
    assert heard(systemd) == "READY=1"
    n.reloading(12.5)
    assert heard(systemd) == "RELOADING=1\nMONOTONIC_USEC=12500000"
    n.watchdog()
    assert heard(systemd) == "WATCHDOG=1"
    n.extend_timeout(2)
    assert heard(systemd) == "EXTEND_TIMEOUT_USEC=2000000"
    n.stopping()
    assert heard(systemd) == "STOPPING=1"
    assert n.watchdog_s == 30.0


def test_a_status_is_told_only_when_it_changes(systemd: socket.socket, tmp_path: Path) -> None:
    n = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    for text in ("one", "one", "two"):
        n.status(text)
    assert [heard(systemd), heard(systemd)] == ["STATUS=one", "STATUS=two"]


def test_an_abstract_address_works() -> None:
    name = f"edgerund-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind("\0" + name)
        s.settimeout(5)
        Notifier({"NOTIFY_SOCKET": "@" + name}).ready()
        assert heard(s) == "READY=1"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": ""},
    ],
)
def test_no_watchdog_where_none_is_meant_for_us(environ: dict[str, str]) -> None:
    assert Notifier(environ).watchdog_s == 0.0


def test_nobody_listening_is_no_error(tmp_path: Path) -> None:
    n = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "1"})
    n.ready()
    n.watchdog()
