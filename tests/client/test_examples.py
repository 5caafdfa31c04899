"""The Python examples run against a real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.client.conftest import Daemon

FOLDER = Path(__file__).parents[2] / "examples" / "python"


def run(name: str, daemon: Daemon, *arguments: str) -> str:
    command = [sys.executable, str(FOLDER / name), "--runtime-dir", str(daemon.folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_camera_loop_tells_each_answer_and_each_swap(shared_daemon: Daemon) -> None:
    out = run("camera_loop.py", shared_daemon, "--rate", "20", "--seconds", "0.3").splitlines()
    assert out[0] == "now answering: v1"
    assert "cat 0.75" in out[1]
    assert "because the board is hot" in out[1]
    assert out[-1].startswith("6 answered, 0 missed")


def test_pipelined_frames_get_the_same_answers(shared_daemon: Daemon) -> None:
    out = run(
        "pipelined.py", shared_daemon, "--ladder", "test", "--frames", "20", "--in-flight", "3"
    )
    assert "20 of 20" in out
    assert "3 in flight" in out
