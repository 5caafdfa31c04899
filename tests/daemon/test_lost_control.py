"""Whatever happens to senses or controller, the cheapest variant serves soon, and the better one comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

from edgerund.client import Answer, Client
from edgerund.daemon.recovery import MOST
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for

FRAME = np.zeros((8, 8, 3), np.uint8)
ROOT = Path(__file__).resolve().parents[2]
POLICY = {
    "policy": "careful",
    "constraints": {"temp_c": {"max": 80}},
    "switching": {"dwell_s": 0.2, "max_per_hour": 3600, "cost_s": 0},
    "lost": {"temp_c": "cheapest"},
    "stale_after_s": 1,
}
Order = Callable[[str], None]
SaboteurIn = Callable[[], tuple[Running, Order]]


@pytest.fixture
def begin(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SaboteurIn:
    """A daemon with two variants, both loaded, and a sensor that obeys orders."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def go() -> tuple[Running, Order]:
        (tmp_path / "policy.yaml").write_text(yaml.safe_dump(POLICY))
        sensor = "tools.saboteur:Saboteur"
        daemon = start(
            {
                "ladders": [{"path": str(write_ladder(tmp_path / "demo"))}],
                "policy": str(tmp_path / "policy.yaml"),
                "sensors": {
                    "enabled": [sensor],
                    "options": {sensor: {"order": str(tmp_path / "order")}},
                },
            }
        )
        wait_for(lambda: all_loaded(daemon), what="every variant loaded")
        return daemon, lambda word: swap_in(tmp_path / "order", word)

    return go


def swap_in(file: Path, word: str) -> None:
    file.with_suffix(".new").write_text(word)
    file.with_suffix(".new").rename(file)


def all_loaded(daemon: Running) -> bool:
    status = daemon.status()
    return status["live"] == "top" and all(v["resident"] for v in status["variants"])


def answers_with(client: Client, variant: str) -> Answer:
    def asked() -> Answer | None:
        answer = client.infer(FRAME)
        return answer if answer.variant == variant else None

    found = wait_for(asked, what=f"an answer of {variant}")
    assert found is not None
    return found


def test_a_stopped_supervisor_leaves_the_cheapest_variant_and_gets_the_ladder_back(
    begin: SaboteurIn,
) -> None:
    daemon, _ = begin()
    supervisor = psutil.Process(int(daemon.control.call("ping")["pid"]))
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        assert client.infer(FRAME).variant == "top"
        supervisor.suspend()
        try:
            answer = answers_with(client, "low")
        finally:
            supervisor.resume()
        assert answer.reason is not None
        assert answer.reason.code == "controller"
        answers_with(client, "top")
    status = daemon.status()
    assert status["restarts"] == 0
    assert {"variant": "low", "reason": "controller", "count": 1} in status["swaps"]


def test_a_plugin_that_holds_the_interpreter_leaves_the_cheapest_variant(begin: SaboteurIn) -> None:
    daemon, order = begin()
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        order("freeze")
        reason = answers_with(client, "low").reason
        assert reason is not None
        assert reason.code == "controller"
        answers_with(client, "top")
    assert daemon.status()["restarts"] == 0


def test_a_control_thread_that_is_killed_starts_again_in_the_same_process(
    begin: SaboteurIn,
) -> None:
    daemon, order = begin()
    pid = daemon.control.call("ping")["pid"]
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        order("kill")
        answers_with(client, "low")
        answers_with(client, "top")
    assert daemon.control.call("ping")["pid"] == pid
    assert daemon.status()["restarts"] == 0
    assert "the control loop starts again" in daemon.log_text()


def test_a_control_thread_that_fails_again_and_again_ends_the_process_for_its_supervisor(
    begin: SaboteurIn,
) -> None:
    daemon, order = begin()
    supervisor = psutil.Process(int(daemon.control.call("ping")["pid"]))

    ordered = 0

    def killed_for_good() -> bool:
        nonlocal ordered
        # one more would hit the last words of a process that ends already
        if ordered < MOST and ordered == daemon.log_text().count("the control loop failed"):
            order("kill")
            ordered += 1
        return bool(supervisor.status() == psutil.STATUS_ZOMBIE)

    wait_for(killed_for_good, what="the end of the process")
    assert daemon.log_text().count("the control loop failed") >= 3
    assert "edgerund: cannot go on: " in daemon.log_text()


@pytest.mark.parametrize("deed", ["raise", "leave", "block"])
def test_a_sensor_plugin_that_fails_costs_its_values_and_leaves_the_cheapest_variant(
    begin: SaboteurIn, deed: str
) -> None:
    daemon, order = begin()
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        order(deed)
        reason = answers_with(client, "low").reason
        assert reason is not None
        assert reason.code == "sensor_lost"
        if deed != "block":
            order("heal")
            answers_with(client, "top")


def test_a_supervisor_that_is_killed_takes_its_workers_along(begin: SaboteurIn) -> None:
    daemon, _ = begin()
    worker = int(daemon.status()["pid"])
    os.kill(int(daemon.control.call("ping")["pid"]), signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{worker}").exists(), what="the end of the worker")
