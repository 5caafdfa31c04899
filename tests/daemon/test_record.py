"""``edgerund sensors`` and ``edgerund record`` against a running daemon, and its own flight recorder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgerund.observe.codec import load_decisions, load_snapshot
from edgerund.observe.record_reader import RecordReader
from edgerund.observe.recorder import parts_of
from edgerund.sensors.fake_board import FakeBoard
from edgerund.types import Reading
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for


def edgerund(*args: str) -> str:
    command = [sys.executable, "-m", "edgerund", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def size_of(path: Path) -> int:
    """0 while a rotation has just renamed it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@pytest.fixture
def flight(tmp_path: Path) -> Path:
    return tmp_path / "flight.jsonl"


@pytest.fixture
def daemon(start: Start, tmp_path: Path, flight: Path) -> Running:
    (tmp_path / "sysroot").mkdir()
    board = FakeBoard(tmp_path / "sysroot")
    board.zone("tj-thermal", 48.125)
    board.rail("VDD_IN", 7000)
    told: dict[str, Any] = {
        "ladders": [{"path": str(write_ladder(tmp_path / "demo"))}],
        "recorder": {"file": str(flight), "max_mb": 1},
    }
    return start(told)


def test_the_running_daemon_tells_its_sensors(daemon: Running) -> None:
    wait_for(
        lambda: "48.125" in edgerund("sensors", "--runtime-dir", str(daemon.runtime_dir)), 20.0
    )
    table = json.loads(edgerund("sensors", "--json", "--runtime-dir", str(daemon.runtime_dir)))
    assert {r["name"]: r["state"] for r in table["readers"]}["thermal"] == "ok"
    text = edgerund("sensors", "--runtime-dir", str(daemon.runtime_dir))
    assert "as the running daemon sees them" in text


def test_the_tick_is_handed_out_exactly(daemon: Running) -> None:
    def ticked() -> bool:
        return "temp_c" in load_snapshot(daemon.control.call("tick")["snapshot"]).senses

    wait_for(ticked, 10.0, "a tick with senses")
    reply = daemon.control.call("tick")
    snapshot, decisions = load_snapshot(reply["snapshot"]), load_decisions(reply["decisions"])
    assert snapshot.ladders["demo"].live == "top"
    assert decisions["demo"].variant == "top"


def test_what_the_daemon_records_holds_what_it_saw_and_decided(
    daemon: Running, flight: Path
) -> None:
    daemon.control.call("pin", variant="low", reason="a test")
    wait_for(lambda: daemon.status()["live"] == "low", 10.0, "the pinned variant")
    records = wait_for(
        lambda: [
            r for r in RecordReader(flight) if r.decisions and r.decisions["demo"].variant == "low"
        ],
        10.0,
        "its decision in the recording",
    )
    assert records[0].decisions["demo"].reason.code == "hold"
    power = records[-1].snapshot.senses["power_mw"]
    assert isinstance(power, Reading)
    assert power.value == 7000


def test_replay_decides_the_recording_again_byte_for_byte_and_over_a_reload(
    start: Start, tmp_path: Path, flight: Path
) -> None:
    (tmp_path / "sysroot").mkdir()
    board = FakeBoard(tmp_path / "sysroot")
    board.zone("tj-thermal", 48.125)
    policy = tmp_path / "p.yaml"
    policy.write_text("policy: one\nswitching: {dwell_s: 0.1}\n")
    told: dict[str, Any] = {
        "ladders": [{"path": str(write_ladder(tmp_path / "demo"))}],
        "policy": str(policy),
        "recorder": {"file": str(flight), "max_mb": 1},
        "tick_s": 0.05,
    }
    daemon = start(told)
    daemon.control.call("pin", variant="low", reason="a test")
    wait_for(lambda: daemon.status()["live"] == "low", 10.0, "the pinned variant")
    policy.write_text("policy: two\nconstraints: {temp_c: {max: 90}}\nswitching: {dwell_s: 0.2}\n")
    daemon.control.call("reload", 30.0)
    daemon.control.call("unpin")
    board.zone("tj-thermal", 66.0)
    wait_for(lambda: daemon.status()["live"] == "top", 20.0, "the way back up")

    wait_for(lambda: flight.with_name(f"{flight.name}.1").exists(), 100.0, "a second part")
    wait_for(lambda: size_of(flight) > 20_000, 100.0, "some ticks in it")
    # a copy: the daemon goes on, and a new part would rename the others under the reader
    still = tmp_path / "still"
    still.mkdir()
    for part in [p for p in parts_of(flight) if p.exists()]:
        shutil.copy(part, still)
    result = json.loads(edgerund("replay", "--json", str(still / flight.name)))
    assert result["identical"] == result["ticks"] > 50
    assert result["restarts"] == 1, "the reload"
    # what is left when the oldest parts are dropped replays just as well
    shutil.move(still / flight.name, tmp_path / "alone.jsonl")
    result = json.loads(edgerund("replay", "--json", str(tmp_path / "alone.jsonl")))
    assert result["identical"] == result["ticks"] > 0


def test_edgerund_record_records_the_running_daemon(daemon: Running, tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    args = ("--runtime-dir", str(daemon.runtime_dir), "--for", "1.5", "--every", "0.1")
    edgerund("record", str(mine), *args)
    records = list(RecordReader(mine))
    assert len(records) >= 5
    times = [r.snapshot.now_s for r in records]
    assert times == sorted(set(times)), "each tick once"
    assert records[-1].snapshot.ladders["demo"].live == "top"
    assert records[-1].decisions["demo"].variant == "top"
