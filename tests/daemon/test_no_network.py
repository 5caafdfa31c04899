"""What the daemon opens towards the network: nothing, unless the settings say so."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edgerund.client import Client
from edgerund.client.control import ControlClient
from edgerund.config.share import shared_file
from edgerund.errors import ControlError
from tests.waiting import wait_for

Traced = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    """Serves the bundled ladder under strace until it has answered and stopped; returns its socket calls."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("no strace")
    allowed = subprocess.run([strace, "-o", "/dev/null", "true"], check=False, capture_output=True)
    if allowed.returncode:
        pytest.skip(f"strace may not trace here: {allowed.stderr.decode().strip()}")
    trace = tmp_path / "trace"
    command = [strace, "-f", "-e", "trace=socket", "-o", str(trace)]
    serve = [sys.executable, "-m", "edgerund", "serve", "--config", str(tmp_path / "edgerund.yaml")]

    def go(extra: dict[str, Any]) -> list[str]:
        ladder = str(shared_file("variants/cifar10"))
        settings = {"ladders": [{"path": ladder}], "runtime_dir": str(tmp_path / "run"), **extra}
        (tmp_path / "edgerund.yaml").write_text(yaml.safe_dump(settings))
        process = subprocess.Popen(
            [*command, *serve], stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            wait_for(lambda: ready(tmp_path / "run") or process.poll() is not None, 60, "a start")
            assert process.poll() is None, "the daemon ended at once"
            with Client("cifar10", runtime_dir=tmp_path / "run", timeout_s=30) as client:
                client.infer(np.zeros((32, 32, 3), np.uint8))
            with ControlClient(tmp_path / "run", timeout_s=30) as control:
                pid = control.call("status")["pid"]
                control.call("reload", timeout_s=60)
            subprocess.run(["kill", "-TERM", str(pid)], check=True)
            process.communicate(timeout=30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        return [line for line in trace.read_text().splitlines() if "socket(" in line]

    return go


def ready(runtime_dir: Path) -> bool:
    try:
        with ControlClient(runtime_dir) as control:
            return bool(control.call("ping")["ready"])
    except ControlError:
        return False


def test_no_internet_socket_is_opened_from_start_to_stop(traced: Traced) -> None:
    calls = traced({})
    assert any("AF_UNIX" in call for call in calls)
    assert [call for call in calls if "AF_INET" in call] == []


def test_one_is_opened_where_the_settings_ask_for_metrics(traced: Traced) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    calls = traced({"metrics": {"port": port}})
    assert [call for call in calls if "AF_INET" in call] != []
