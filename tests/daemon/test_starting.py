"""While a daemon starts: the control socket tells what it waits for, and goes over to the running daemon unharmed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgerund.cli import main
from edgerund.client.control import ControlClient
from edgerund.errors import ControlError
from tests.daemon.conftest import Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for

SLOW = {"top": {"load_ms": 60_000}, "low": {}}


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A daemon whose best variant takes a minute to load, and its runtime folder."""
    folder = tmp_path / "run"
    told: dict[str, Any] = {
        "ladders": [{"path": str(write_ladder(tmp_path / "demo", variants=SLOW))}],
        "sensors": {"sysroot": str(tmp_path)},
        "runtime_dir": str(folder),
    }
    file = tmp_path / "edgerund.yaml"
    file.write_text(yaml.safe_dump(told))
    command = [sys.executable, "-m", "edgerund", "serve", "--config", str(file)]
    environ = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environ) as process:
        wait_for((folder / "control.sock").is_socket, what="the control socket")
        yield process, folder
        process.kill()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(tmp_path / "notify"))
        s.settimeout(30)
        yield s


def waits_for(control: ControlClient) -> list[str]:
    return list(control.call("status", timeout_s=30)["waits_for"])


def test_status_tells_what_a_start_waits_for(
    starting: tuple[subprocess.Popen[bytes], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    process, folder = starting
    with ControlClient(folder) as control:
        wait_for(lambda: waits_for(control) == ["demo: top loads"], what="the load")
        status = control.call("status")
        assert status["ready"] is False
        assert [v["name"] for v in status["ladders"][0]["variants"]] == ["top", "low"]
        assert control.call("ping")["starting"] is True
        with pytest.raises(ControlError, match=r"cannot do 'why' yet: .* demo: top loads"):
            control.call("why")
        assert main(["status", "--runtime-dir", str(folder)]) == 0
        assert "waits for demo: top loads" in capsys.readouterr().out
        assert main(["sensors", "--runtime-dir", str(folder)]) != 0
        assert "it is starting" in capsys.readouterr().err
    process.terminate()
    assert process.wait(timeout=30) == 0
    assert not (folder / "control.sock").exists()


def test_systemd_hears_what_a_start_waits_for(
    systemd: socket.socket, starting: tuple[subprocess.Popen[bytes], Path]
) -> None:
    while (text := systemd.recv(4096).decode()) != "STATUS=starting; demo: top loads":
        assert text.startswith("STATUS=starting; "), text


def test_the_socket_goes_over_to_the_running_daemon(start: Start, tmp_path: Path) -> None:
    """``start`` asks again and again until it hears of readiness: partly before it, on the same connection."""
    variants = {"top": {"load_ms": 1500}, "low": {}}
    daemon = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo", variants=variants))}]})
    status = daemon.control.call("status")
    assert status["ready"] is True
    assert status["waits_for"] == []
    assert "starting" not in daemon.control.call("ping")
