"""A daemon in the field: odd requests, signals at the wrong moment, helpers that die, nothing that is usable."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
import zmq

from edgerund.client import Client
from edgerund.client.control import ControlClient
from edgerund.errors import ControlError, StartError, Unavailable
from tests.daemon.clients import Crowd, some_frames
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for

FRAME = np.zeros((8, 8, 3), np.uint8)


@contextlib.contextmanager
def control_socket(runtime_dir: Path) -> Iterator[zmq.Socket[bytes]]:
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(f"ipc://{runtime_dir}/control.sock")
    try:
        yield socket
    finally:
        context.destroy(linger=0)


ODD: tuple[dict[str, Any], ...] = (
    {"op": "pin", "ladder": ["demo"], "variant": "top"},
    {"op": "pin", "ladder": {}, "variant": {}},
    {"op": "pin", "ladder": "demo", "variant": ["top"]},
    {"op": "pin", "ladder": "demo", "variant": "top", "for_s": [1]},
    {"op": "why", "ladder": [1]},
    {"op": "unpin", "ladder": 7},
    {"op": "unpin", "ladder": True},
)


def test_requests_of_the_wrong_type_are_refused_and_end_nothing(
    start: Start, tmp_path: Path
) -> None:
    daemon = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}]})
    bodies = [*(json.dumps(r).encode() for r in ODD), b"[" * 60_000]  # the last: endless depth
    with control_socket(daemon.runtime_dir) as socket:
        for body in bodies:
            socket.send_multipart([b"", body])
            assert socket.poll(10_000), body[:80]
            reply = json.loads(socket.recv_multipart()[-1])
            assert reply["ok"] is False
            assert reply["error"].startswith("cannot")
    assert daemon.control.call("ping")["ready"]


def test_a_flood_of_questions_whose_answers_nobody_reads_leaves_the_others_served(
    start: Start, tmp_path: Path
) -> None:
    daemon = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}]})
    with control_socket(daemon.runtime_dir) as socket:
        sent = 0
        for _ in range(20_000):
            with contextlib.suppress(zmq.Again):
                socket.send_multipart([b"", b'{"op": "status"}'], zmq.NOBLOCK)
                sent += 1
        assert sent > 100
        assert daemon.control.call("ping", timeout_s=30)["ready"]
        seq = daemon.control.call("status", timeout_s=30)["up_s"]
        wait_for(lambda: daemon.control.call("status", timeout_s=30)["up_s"] > seq + 0.5)
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        assert client.infer(FRAME).variant == "top"


def test_reload_signals_in_a_row_reload_and_do_not_end_the_daemon(
    start: Start, tmp_path: Path
) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"load_ms": 300}})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    pid = int(daemon.control.call("ping")["pid"])
    told = yaml.safe_load((ladder / "ladder.yaml").read_text())
    for top_k in (2, 3, 4):
        (ladder / "ladder.yaml").write_text(yaml.safe_dump({**told, "top_k": top_k}))
        os.kill(pid, signal.SIGHUP)
        wait_for(lambda: len(children(pid)) > 1, what="the reload begins")

    def labels() -> int:
        with Client("demo", runtime_dir=daemon.runtime_dir) as client:
            return len(client.infer(FRAME).labels)

    wait_for(lambda: labels() == 4, what="the last of the files is in force")
    assert daemon.control.call("ping")["pid"] == pid


def test_a_second_reload_at_the_same_time_is_refused_in_words(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"load_ms": 800}})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    told = yaml.safe_load((ladder / "ladder.yaml").read_text())
    (ladder / "ladder.yaml").write_text(yaml.safe_dump({**told, "top_k": 2}))
    with control_socket(daemon.runtime_dir) as socket:
        socket.send_multipart([b"", b'{"op": "reload"}'])
        socket.send_multipart([b"", b'{"op": "reload"}'])
        replies = []
        for _ in range(2):
            assert socket.poll(20_000)
            replies.append(json.loads(socket.recv_multipart()[-1]))
    assert [r["ok"] for r in replies] == [False, True]
    assert "under way" in replies[0]["error"]
    assert replies[0]["exit_code"] == ControlError.exit_code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_during_the_start_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"hang_load": True}})
    file = tmp_path / "edgerund.yaml"
    file.write_text(
        yaml.safe_dump({"ladders": [{"path": str(ladder)}], "runtime_dir": str(tmp_path / "run")})
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "edgerund", "serve", "--config", str(file)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for((tmp_path / "run" / "demo.sock").exists, what="the socket")
        family = wait_for(lambda: children(process.pid, 3), what="a worker")
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert list((tmp_path / "run").iterdir()) == []
    wait_for(lambda: not any(p.is_running() for p in family), what="the end of every process")


def test_a_dead_fork_server_is_replaced_and_service_goes_on(start: Start, tmp_path: Path) -> None:
    daemon = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}]})
    worker = int(daemon.status()["pid"])
    psutil.Process(worker).parent().kill()
    with Client("demo", runtime_dir=daemon.runtime_dir, timeout_s=30) as client:
        assert client.infer(FRAME).variant == "top"
        os.kill(worker, signal.SIGKILL)
        assert client.infer(FRAME).variant == "top"
    assert daemon.status()["pid"] != worker


def test_a_worker_that_cannot_start_is_an_error_of_the_start(tmp_path: Path) -> None:
    from edgerund.bench.daemon import own_daemon

    ladder = write_ladder(tmp_path / "demo")
    with (
        pytest.raises(StartError, match="ended with 13") as caught,
        own_daemon({"ladders": [{"path": str(ladder), "cpus": [4000]}]}),
    ):
        pass
    assert "cannot use the cores [4000]" in str(caught.value)
    assert "before it loads anything" in str(caught.value)


def test_an_old_worker_that_hangs_does_not_hold_a_reload_back(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"hang_after": 6}, "low": {}})
    daemon = start({"ladders": [{"path": str(ladder)}], "drain_s": 0.2, "hang_s": 60})
    with Client("demo", runtime_dir=daemon.runtime_dir, timeout_s=30) as client:
        answers = [client.infer(FRAME)]
        while daemon.status()["outcomes"].get("ok", 0) < 3:
            answers.append(client.infer(FRAME))
            if len(answers) >= 3:
                break
        flight = client.submit(FRAME)
        stuck = [client.submit(FRAME) for _ in range(4)]
        write_ladder(tmp_path / "demo", variants={"top": {}, "low": {}}, top_k=2)
        assert daemon.control.call("reload", timeout_s=20)["replaced"] == ["demo"]
        assert flight.result().variant in ("top", "low")
        assert all(f.result().variant in ("top", "low") for f in stuck)


def test_who_is_asked_rarely_is_not_taken_for_hung(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "demo")
    daemon = start({"ladders": [{"path": str(ladder)}], "tick_s": 3.0, "hang_s": 0.5})
    pid = daemon.status()["pid"]
    begun_s = time.monotonic()
    wait_for(lambda: (daemon.status(), time.monotonic() - begun_s > 2.5)[1], what="a quiet time")
    status = daemon.status()
    assert (status["pid"], status["restarts"]) == (pid, 0)


def test_a_supervisor_that_stood_still_kills_nobody(start: Start, tmp_path: Path) -> None:
    daemon = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}], "hang_s": 0.5})
    supervisor = psutil.Process(int(daemon.control.call("ping")["pid"]))
    pid = daemon.status()["pid"]
    supervisor.suspend()
    begun_s = time.monotonic()
    wait_for(lambda: time.monotonic() - begun_s > 1.5, what="the pause")
    supervisor.resume()
    begun_s = time.monotonic()
    wait_for(lambda: (daemon.status(), time.monotonic() - begun_s > 0.7)[1], what="a few ticks")
    status = daemon.status()
    assert (status["pid"], status["restarts"]) == (pid, 0)


def test_where_nothing_is_usable_any_more_every_request_is_told_so_at_once(
    start: Start, tmp_path: Path
) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"crash_after": 4}})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    with Client("demo", runtime_dir=daemon.runtime_dir, timeout_s=30) as client:

        def refused() -> bool:
            try:
                client.infer(FRAME)
            except Unavailable as e:
                return "no variant of 'demo' is usable" in str(e)
            return False

        wait_for(refused, what="a refusal")
        assert refused()


def test_a_crash_beside_a_load_condemns_the_one_that_crashes_not_the_one_that_loads(
    start: Start, tmp_path: Path
) -> None:
    slow = {"load_ms": 400}
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"crash_after": 4}, "low": slow})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    with Client("demo", runtime_dir=daemon.runtime_dir, timeout_s=30) as client:
        seen = [client.infer(FRAME).variant for _ in range(30)]
    assert seen[-1] == "low"
    reasons = {v["name"]: v["quarantined"] for v in daemon.status()["variants"]}
    assert reasons["low"] is None
    assert reasons["top"] is not None


def test_a_change_of_mind_while_breaking_first_leaves_nobody_without_an_answer(
    start: Start, tmp_path: Path
) -> None:
    heavy = {"allocate_mb": 24, "load_ms": 50}
    ladder = write_ladder(tmp_path / "demo", variants={"top": heavy, "low": heavy})
    daemon = start({"ladders": [{"path": str(ladder)}], "memory_budget_mb": 30, "tick_s": 0.05})
    crowd = Crowd(daemon.runtime_dir, some_frames(), lambda _turn, _answer: None, count=2)
    try:
        for i in range(60):
            daemon.control.call("pin", ladder="demo", variant=("top", "low")[i % 2])
        daemon.control.call("pin", ladder="demo", variant="low")
        wait_for(lambda: daemon.status()["live"] == "low", what="the last wish")
        before = crowd.answers
        wait_for(lambda: crowd.errors or crowd.answers > before + 20, what="answers")
    finally:
        crowd.stop()
    assert crowd.errors == []


def test_a_hold_on_what_then_breaks_gives_way_to_what_works(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {}, "low": {"nan_after": 8}})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    daemon.control.call("pin", ladder="demo", variant="low", reason="test")
    wait_for(lambda: daemon.status()["live"] == "low", what="the hold")
    with Client("demo", runtime_dir=daemon.runtime_dir, timeout_s=30) as client:

        def back() -> bool:
            with contextlib.suppress(Exception):
                return client.infer(FRAME).variant == "top"
            return False

        wait_for(back, what="the other variant")
    assert daemon.status()["variants"][1]["quarantined"]


def test_a_reload_that_renames_every_variant_is_decided_without_a_fault(
    start: Start, tmp_path: Path
) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"a": {}, "b": {}})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    write_ladder(tmp_path / "demo", variants={"x": {}, "y": {}, "z": {}})
    daemon.control.call("reload", timeout_s=30)
    wait_for(lambda: daemon.status()["live"] == "x", what="a new variant")
    assert "cannot decide" not in daemon.log_text()


def test_many_connections_use_more_descriptors_than_a_shell_allows(
    start: Start, tmp_path: Path
) -> None:
    daemon = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}]})
    worker = psutil.Process(int(daemon.status()["pid"]))
    soft, hard = worker.rlimit(psutil.RLIMIT_NOFILE)
    assert soft == hard


def children(pid: int, least: int = 0) -> list[psutil.Process]:
    """Every process below ``pid``; none while there are fewer than ``least``."""
    with contextlib.suppress(psutil.NoSuchProcess):
        found = psutil.Process(pid).children(recursive=True)
        return found if len(found) >= least else []
    return []


def test_answers_that_came_too_late_are_not_taken_for_those_of_the_next_question(
    start: Start, tmp_path: Path
) -> None:
    daemon: Running = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}]})
    supervisor = psutil.Process(int(daemon.control.call("ping")["pid"]))
    with ControlClient(daemon.runtime_dir) as control:
        supervisor.suspend()
        try:
            with pytest.raises(ControlError, match="no answer"):
                control.call("ping", timeout_s=0.1)
        finally:
            supervisor.resume()
        assert "ladders" in control.call("status")
