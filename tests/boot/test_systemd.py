"""The unit in a real systemd: ready when it answers, alive when it works, gone when it is told to."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerund.client import Client
from edgerund.client.control import ControlClient
from tests.boot.machine import REPO, Machine
from tests.daemon.clients import Crowd, some_frames
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for

pytestmark = [pytest.mark.boot, pytest.mark.timeout(300)]
FRAME = np.zeros((8, 8, 3), np.uint8)
QUICK = "[Service]\nWatchdogSec=2\nTimeoutStopSec=3\n"


def serve_fakes(
    machine: Machine, variants: dict[str, dict[str, Any]] | None = None, **settings: Any
) -> None:
    """Configure one ladder of fakes; the service is not started."""
    write_ladder(machine.folder / "ladders" / "demo", variants=variants)
    machine.configure({"ladders": [{"path": "/host/ladders/demo"}], "tick_s": 0.2, **settings})


def status(machine: Machine) -> dict[str, Any]:
    with ControlClient(machine.runtime_dir) as control:
        return control.call("status")


def test_systemd_knows_every_key_of_the_unit(tmp_path: Path) -> None:
    text = (REPO / "systemd" / "edgerund.service").read_text()
    unit = tmp_path / "edgerund.service"
    unit.write_text(text.replace("/opt/edgerund/bin/edgerund", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], check=False, capture_output=True, text=True
    )
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert said == []


def test_the_example_settings_serve_the_bundled_ladder(machine: Machine) -> None:
    machine.run("cp", "/host/systemd/edgerund.yaml", "/etc/edgerund/edgerund.yaml")
    machine.start()
    assert machine.show("ActiveState") == "active"
    wait_for(lambda: machine.show("StatusText").startswith("cifar10="), what="a status line")
    with Client("cifar10", runtime_dir=machine.runtime_dir) as client:
        answer = client.infer(FRAME)
    assert answer.variant in machine.show("StatusText")
    owner = machine.run("stat", "-c", "%U:%G %a", "/run/edgerund", "/run/edgerund/cifar10.sock")
    assert owner.split() == ["edgerund:edgerund", "750", "edgerund:edgerund", "660"]


def test_it_is_ready_only_after_a_golden_answer(machine: Machine) -> None:
    serve_fakes(machine, {"slow": {"load_ms": 1500}})
    machine.start()
    from_us = int(machine.show("ExecMainStartTimestampMonotonic"))
    to_us = int(machine.show("ActiveEnterTimestampMonotonic"))
    assert to_us - from_us > 1_500_000
    assert status(machine)["ready"]


def test_a_ladder_that_cannot_serve_is_told_once_and_not_tried_again(machine: Machine) -> None:
    serve_fakes(machine, {"broken": {"fail_load": "no such device"}})
    machine.run("systemctl", "start", "edgerund", ok=False)
    machine.wait_until("ActiveState", "failed")
    assert machine.show("ExecMainStatus") == "11"
    assert machine.show("NRestarts") == "0"
    assert "cannot serve ladder 'demo': no usable variant" in machine.journal()


def test_a_reload_replaces_the_ladder_and_loses_no_answer(machine: Machine) -> None:
    serve_fakes(machine)
    machine.start()
    crowd = Crowd(machine.runtime_dir, some_frames(), lambda _turn, _answer: None, count=2)
    try:
        wait_for(lambda: crowd.errors or crowd.answers > 10, what="answers before")
        serve_fakes(machine, {"fresh": {}, "other": {}})
        machine.run("systemctl", "reload", "edgerund")
        wait_for(
            lambda: crowd.errors or "fresh" in crowd.variants, what="an answer of the new ladder"
        )
    finally:
        crowd.stop()
    assert crowd.errors == []
    assert machine.show("ActiveState") == "active"
    assert machine.show("NRestarts") == "0"


def test_a_reload_with_a_mistake_changes_nothing_and_names_the_line(machine: Machine) -> None:
    serve_fakes(machine)
    machine.start()
    machine.configure({"ladders": [{"path": "/host/ladders/demo"}], "tick_s": "often"})
    machine.run("systemctl", "reload", "edgerund")
    wait_for(lambda: "reload refused" in machine.journal(), what="the refusal")
    assert re.search(r"edgerund\.yaml:\d+: tick_s: .* 'often'", machine.journal())
    assert machine.show("ActiveState") == "active"
    with Client("demo", runtime_dir=machine.runtime_dir) as client:
        assert client.infer(FRAME).variant == "top"


def test_a_stop_answers_what_waits_and_cleans_up(machine: Machine) -> None:
    serve_fakes(machine, {"slow": {"latency_ms": 700}})
    machine.start()
    with Client("demo", runtime_dir=machine.runtime_dir) as client:
        first, second = client.submit(FRAME), client.submit(FRAME)
        assert (
            first.result(timeout_s=10).variant == "slow"
        )  # so the second has arrived, and is not done
        machine.run("systemctl", "stop", "edgerund")
        assert second.result(timeout_s=5).variant == "slow"
    assert machine.show("Result") == "success"
    assert not (machine.root / "run" / "edgerund").exists()
    assert machine.show("TasksCurrent") in ("[not set]", "0")


def test_the_watchdog_restarts_a_supervisor_that_hangs(machine: Machine) -> None:
    machine.drop_in(QUICK)
    serve_fakes(machine)
    machine.start()
    pid = int(machine.show("MainPID"))
    before = int(machine.show("NRestarts"))
    machine.signal(pid, "STOP")
    wait_for(lambda: int(machine.show("NRestarts")) > before, 20, "a restart")
    machine.wait_until("ActiveState", "active")
    assert int(machine.show("MainPID")) != pid
    assert "Watchdog timeout" in machine.run("journalctl", "--no-pager", "-o", "cat")
    with Client("demo", runtime_dir=machine.runtime_dir) as client:
        assert client.infer(FRAME).variant == "top"


def test_a_hung_worker_is_replaced_by_the_supervisor_not_by_systemd(machine: Machine) -> None:
    machine.drop_in(QUICK)
    serve_fakes(machine, hang_s=1.0)
    machine.start()
    before = machine.show("NRestarts")
    pid = status(machine)["ladders"][0]["pid"]
    machine.signal(pid, "STOP")
    wait_for(lambda: status(machine)["ladders"][0]["restarts"] == 1, 20, "a new worker")
    with Client("demo", runtime_dir=machine.runtime_dir, timeout_s=20) as client:
        assert client.infer(FRAME).variant == "top"
    assert machine.show("NRestarts") == before
    assert machine.show("ActiveState") == "active"
