"""Live reload: all or nothing, under load, without a lost frame."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edgerund.client import Client
from edgerund.errors import ControlError
from edgerund.sensors.fake_board import FakeBoard
from tests.daemon.clients import Crowd, some_frames
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_fake, write_ladder
from tests.waiting import wait_for


def settings_file(daemon: Running) -> Path:
    return daemon.runtime_dir / "edgerund.yaml"


def edit(file: Path, **changes: Any) -> None:
    told = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**told, **changes}))


def test_a_changed_ladder_takes_over_under_load_without_a_lost_frame(
    start: Start, tmp_path: Path
) -> None:
    ladder = write_ladder(tmp_path / "demo")
    daemon = start({"ladders": [{"path": str(ladder)}]})
    crowd = Crowd(daemon.runtime_dir, some_frames(), lambda _turn, _answer: None, count=4)
    try:
        for i in range(3):
            wait_for(lambda: crowd.errors or crowd.answers > 50, what="load")
            edit(ladder / "ladder.yaml", top_k=2 + i)
            reply = daemon.control.call("reload", timeout_s=30)
            assert reply["replaced"] == ["demo"]
    finally:
        crowd.stop()
    assert crowd.errors == []
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        assert len(client.infer(np.zeros((8, 8, 3), np.uint8)).labels) == 4


def test_an_unchanged_ladder_keeps_its_worker(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "demo")
    daemon = start({"ladders": [{"path": str(ladder)}]})
    pid = daemon.status()["pid"]
    assert daemon.control.call("reload", timeout_s=30)["replaced"] == []
    assert daemon.status()["pid"] == pid


def test_ladders_come_and_go(start: Start, tmp_path: Path) -> None:
    first, second = write_ladder(tmp_path / "a", name="a"), write_ladder(tmp_path / "b", name="b")
    daemon = start({"ladders": [{"path": str(first)}]})
    edit(settings_file(daemon), ladders=[{"path": str(second)}])
    assert daemon.control.call("reload", timeout_s=30)["ladders"] == ["b"]
    with Client("b", runtime_dir=daemon.runtime_dir) as client:
        assert client.infer(np.zeros((8, 8, 3), np.uint8)).variant == "top"
    assert not (daemon.runtime_dir / "a.sock").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ladders": [{"path": "/nowhere"}]}, "nowhere"),
        ({"policy": "/nowhere.yaml"}, "nowhere"),
        ({"tick_s": -1}, "tick_s"),
        ({"socket_mode": 0o600}, "restart"),
    ],
)
def test_wrong_settings_leave_the_old_state(
    start: Start, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    daemon = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}]})
    before = daemon.status()
    edit(settings_file(daemon), **change)
    with pytest.raises(ControlError, match=words):
        daemon.control.call("reload", timeout_s=30)
    after = daemon.status()
    assert (after["pid"], after["live"]) == (before["pid"], before["live"])


def test_a_ladder_that_turned_unusable_leaves_the_old_one_serving(
    start: Start, tmp_path: Path
) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {}})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    crowd = Crowd(daemon.runtime_dir, some_frames(), lambda _turn, _answer: None, count=2)
    try:
        write_fake(ladder / "top.fake", 0, fail_load="broken on purpose")
        edit(ladder / "ladder.yaml", top_k=2)
        with pytest.raises(ControlError, match="broken on purpose"):
            daemon.control.call("reload", timeout_s=30)
        before = crowd.answers
        wait_for(lambda: crowd.errors or crowd.answers > before + 20, what="service goes on")
    finally:
        crowd.stop()
    assert crowd.errors == []
    assert daemon.status()["live"] == "top"


def test_sighup_reloads(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "demo")
    daemon = start({"ladders": [{"path": str(ladder)}]})
    pid = daemon.status()["pid"]
    edit(ladder / "ladder.yaml", top_k=2)
    os.kill(int(daemon.control.call("ping")["pid"]), signal.SIGHUP)
    wait_for(lambda: "reloaded; replaced ladders: demo" in daemon.log_text(), what="the reload")
    assert daemon.status()["pid"] != pid


def test_a_hold_survives_a_reload_that_keeps_its_variant(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "demo")
    daemon = start({"ladders": [{"path": str(ladder)}]})
    daemon.control.call("pin", ladder="demo", variant="low", reason="night")
    edit(ladder / "ladder.yaml", top_k=2)
    daemon.control.call("reload", timeout_s=30)
    wait_for(lambda: daemon.status()["live"] == "low", what="the held variant")
    assert daemon.status()["hold"]["reason"] == "night"


def test_a_policy_reload_under_load_keeps_what_the_controller_learned(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "sysroot").mkdir()
    FakeBoard(tmp_path / "sysroot").zone("tj-thermal", 48.125)
    policy, flight = tmp_path / "p.yaml", tmp_path / "flight.jsonl"
    policy.write_text("policy: one\nconstraints: {temp_c: {max: 90}}\n")
    ladder = write_ladder(tmp_path / "demo")
    daemon = start(
        {
            "ladders": [{"path": str(ladder)}],
            "policy": str(policy),
            "recorder": {"file": str(flight)},
        }
    )

    def decision() -> dict[str, Any]:
        return dict(daemon.control.call("why")["decisions"][0])

    crowd = Crowd(daemon.runtime_dir, some_frames(), lambda _turn, _answer: None, count=2)
    try:
        wait_for(lambda: daemon.control.call("why")["decisions"], what="a decision")
        wait_for(lambda: "temperature" in decision()["headroom"], what="a temperature")
        crowd.wait_for_more(200)
        wait_for(lambda: decision()["at_s"] > decision()["since_s"] + 1, what="a while")
        since_s = decision()["since_s"]
        policy.write_text("policy: two\nconstraints: {temp_c: {max: 85}}\n")
        assert daemon.control.call("reload", timeout_s=30)["replaced"] == []
        assert daemon.control.call("status")["policy"] == "two"
        reloaded_s = daemon.control.call("why")["now_s"]
        wait_for(lambda: decision()["at_s"] > reloaded_s, what="a decision")
        assert decision()["since_s"] == since_s
        wait_for(lambda: len(heads(flight)) == 2, what="the new policy in the recording")
        before = heads(flight)[1]["before"]["state"]
        assert before["thermal"]["bank"]
        assert before["ladders"]["demo"]["latency"]["history"] > 5

        edit(ladder / "ladder.yaml", top_k=2)
        assert daemon.control.call("reload", timeout_s=30)["replaced"] == ["demo"]
        wait_for(lambda: len(heads(flight)) == 3, what="the new ladder in the recording")
        before = heads(flight)[2]["before"]["state"]
        assert before["thermal"]["bank"]
        assert before["ladders"]["demo"]["latency"]["history"] == 0
    finally:
        crowd.stop()
    assert crowd.errors == []


def heads(flight: Path) -> list[dict[str, Any]]:
    lines = flight.read_text().splitlines()  # decoding every tick at each look would take its time
    return [json.loads(line) for line in lines if line.startswith('{"edgerund_record"')]
