"""Workers that are killed, crash or hang: the client library delivers every answer, the rest never notices."""

from __future__ import annotations

import os
import signal
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.client import Answer, Client
from tests.daemon.clients import Crowd, expected_answers, some_frames
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for


def pid_of(daemon: Running, ladder: str = "demo") -> int:
    return int(wait_for(lambda: daemon.status(ladder)["pid"], what="a worker"))


def test_kill_dash_nine_under_load_loses_no_answer(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "demo")
    other = write_ladder(tmp_path / "other", name="other")
    daemon = start({"ladders": [{"path": str(ladder)}, {"path": str(other)}]})
    frames = some_frames()
    expected = expected_answers(ladder, frames)

    def check(turn: int, answer: Answer) -> None:
        assert dict(answer.result) == dict(expected[answer.variant, turn])

    crowd = Crowd(daemon.runtime_dir, frames, check, count=4)
    bystander = Crowd(daemon.runtime_dir, frames, lambda _turn, _answer: None, 1, "other")
    other_pid = pid_of(daemon, "other")
    backs_s: list[float] = []
    try:
        for _ in range(4):  # more than a variant may kill: this is not its fault
            pid = pid_of(daemon)
            crowd.wait_for_more(20)
            os.kill(pid, signal.SIGKILL)
            killed_s = time.monotonic()
            daemon.wait_for_another_worker(pid)
            crowd.wait_for_more()
            backs_s.append(time.monotonic() - killed_s)
            wait_for(lambda: daemon.status()["live"], what="a live variant")
    finally:
        crowd.stop()
        bystander.stop()
    assert crowd.errors == []
    assert bystander.errors == []
    assert bystander.resent == 0
    assert crowd.resent > 0
    assert pid_of(daemon, "other") == other_pid
    assert [v["quarantined"] for v in daemon.status()["variants"]] == [None, None, None]
    assert daemon.status("other")["restarts"] == 0
    assert statistics.median(backs_s) < 20  # figures are measured by tools/measure_restart.py


def test_a_variant_that_crashes_the_worker_is_quarantined_and_the_next_one_serves(
    start: Start, tmp_path: Path
) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"crash_after": 4}, "low": {}})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    with Client("demo", runtime_dir=daemon.runtime_dir, timeout_s=20) as client:
        frame = np.zeros((8, 8, 3), np.uint8)
        variants = {client.infer(frame).variant for _ in range(30)}
    assert variants == {"top", "low"}
    status = daemon.status()
    assert status["live"] == "low"
    reasons = {v["name"]: v["quarantined"] for v in status["variants"]}
    assert reasons["low"] is None
    assert "SIGABRT" in reasons["top"]


def test_a_variant_that_hangs_is_killed_and_finally_quarantined(
    start: Start, tmp_path: Path
) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"hang_after": 4}, "low": {}})
    daemon = start({"ladders": [{"path": str(ladder)}], "hang_s": 0.6})
    with Client("demo", runtime_dir=daemon.runtime_dir, timeout_s=30) as client:
        frame = np.zeros((8, 8, 3), np.uint8)
        answers = [client.infer(frame) for _ in range(12)]
    assert answers[-1].variant == "low"
    assert "quarantine of top" in daemon.log_text()


def test_workers_leave_when_the_supervisor_is_killed(start: Start, tmp_path: Path) -> None:
    daemon = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}]})
    worker = pid_of(daemon)
    supervisor = int(daemon.control.call("ping")["pid"])
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{worker}").exists(), what="end of the worker")


def test_a_worker_that_cannot_load_anything_is_told_by_status_not_by_silence(
    start: Start, tmp_path: Path
) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"crash_after": 4}})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    answers: list[Any] = []
    with Client("demo", runtime_dir=daemon.runtime_dir, timeout_s=2) as client:
        for _ in range(12):
            try:
                answers.append(client.infer(np.zeros((8, 8, 3), np.uint8)))
            except Exception as e:
                answers.append(e)
                break
    assert daemon.status()["variants"][0]["quarantined"]
    assert type(answers[-1]).__name__ in ("Unavailable", "NoAnswer")
