"""Caps on a simulated board by a real daemon: the last resort, and put back whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from edgerund.cli import doctor
from edgerund.errors import ControlError
from edgerund.sensors.fake_board import FakeBoard
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for

FOLDER = "/sys/devices/system/cpu/cpufreq/policy0/"
FULL = 1_900_000
POLICY: dict[str, Any] = {
    "policy": "hot",
    "constraints": {"temp_c": {"max": 80}},
    "switching": {"dwell_s": 0.1, "cost_s": 0},
    "actuators": {"caps": ["cpu_freq"], "step": 0.3, "dwell_s": 1},
}


class Board:
    """A board with one cluster of cores."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self.fake = FakeBoard(root)
        self.fake.zone("soc-thermal", 50.0)
        for name, value in (
            ("cpuinfo_min_freq", 300_000),
            ("cpuinfo_max_freq", FULL),
            ("scaling_cur_freq", FULL),
            ("scaling_max_freq", FULL),
        ):
            self.fake.write(FOLDER + name, str(value))
        self.knob = root / (FOLDER + "scaling_max_freq").lstrip("/")

    @property
    def cap(self) -> int:
        text = ""
        while not text:  # unlike sysfs, a file is empty for a moment while it is written
            text = self.knob.read_text()
        return int(text)


Begin = Callable[..., Running]


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path / "sysroot")


@pytest.fixture
def begin(start: Start, tmp_path: Path) -> Begin:
    def go() -> Running:
        (tmp_path / "policy.yaml").write_text(yaml.safe_dump(POLICY))
        ladder = write_ladder(tmp_path / "demo", variants={"top": {}, "low": {}})
        return start(
            {
                "ladders": [{"path": str(ladder)}],
                "policy": str(tmp_path / "policy.yaml"),
                "sensors": {"enabled": ["thermal"], "sysroot": str(tmp_path / "sysroot")},
            }
        )

    return go


def heat_up(daemon: Running, board: Board) -> None:
    board.fake.zone("soc-thermal", 83.0)
    wait_for(lambda: board.cap < FULL, what="a cap")
    assert daemon.status()["live"] == "low"


def test_a_cap_comes_last_is_told_and_goes_when_it_is_cool(begin: Begin, board: Board) -> None:
    daemon = begin()
    wait_for(lambda: daemon.status()["live"] == "top", what="the best variant")
    heat_up(daemon, board)
    wait_for(lambda: board.cap == int(0.4 * FULL), what="the lowest cap")
    (one,) = daemon.control.call("actuators")["actuators"]
    assert one["was"] == {FOLDER + "scaling_max_freq": str(FULL)}
    notes = daemon.control.call("why")["decisions"][0]["notes"]
    assert any(n.startswith("cpu_freq at most 40 %: temp_c 83.0 C is over") for n in notes)
    board.fake.zone("soc-thermal", 40.0)
    wait_for(lambda: board.cap == FULL, 120.0, "the release")
    wait_for(lambda: daemon.status()["live"] == "top", 120.0, "the best variant again")


def test_the_end_of_the_daemon_and_a_reload_without_caps_put_everything_back(
    begin: Begin, board: Board, tmp_path: Path
) -> None:
    daemon = begin()
    heat_up(daemon, board)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump({**POLICY, "actuators": {}}))
    daemon.control.call("reload", timeout_s=30)
    wait_for(lambda: board.cap == FULL, what="everything as before")
    (tmp_path / "policy.yaml").write_text(
        yaml.safe_dump({**POLICY, "actuators": {"caps": ["tests.nowhere:Fan"]}})
    )
    with pytest.raises(ControlError, match="no module named"):
        daemon.control.call("reload", timeout_s=30)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    daemon.control.call("reload", timeout_s=30)
    wait_for(lambda: board.cap < FULL, what="a cap")
    os.kill(int(daemon.control.call("ping")["pid"]), signal.SIGTERM)
    wait_for(lambda: board.cap == FULL, what="everything as before")


def test_what_a_killed_daemon_left_is_put_back_by_hand_or_by_the_next_one(
    begin: Begin, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = begin()
    heat_up(daemon, board)
    supervisor = psutil.Process(int(daemon.control.call("ping")["pid"]))
    supervisor.kill()
    wait_for(lambda: supervisor.status() == psutil.STATUS_ZOMBIE, what="its end")
    assert board.cap < FULL
    left = (daemon.runtime_dir / "actuators.json").read_text()
    out = by_hand(daemon, "restore", "--sysroot", str(board.fake.root))
    assert "restored: cpu_freq" in out
    assert board.cap == FULL

    board.knob.write_text(str(int(0.7 * FULL)))
    (daemon.runtime_dir / "actuators.json").write_text(
        left.replace(str(int(0.4 * FULL)), str(int(0.7 * FULL)))
    )
    assert "cpu_freq left capped" in by_hand(daemon, "show")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "edgerund").symlink_to(daemon.runtime_dir)
    (finding,) = doctor.left_behind()
    assert finding.mend == f"edgerund actuators restore --runtime-dir {tmp_path / 'edgerund'}"
    board.fake.zone("soc-thermal", 40.0)
    settings = daemon.runtime_dir / "edgerund.yaml"
    again = subprocess.Popen(
        [sys.executable, "-m", "edgerund", "serve", "--config", str(settings)],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: board.cap == FULL, what="everything as before")
    finally:
        again.terminate()
        again.wait(timeout=30)


def by_hand(daemon: Running, *args: str) -> str:
    command = [sys.executable, "-m", "edgerund", "actuators", *args]
    done = subprocess.run(
        [*command, "--runtime-dir", str(daemon.runtime_dir)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
