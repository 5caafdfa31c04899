"""A policy with a network: real daemons, real ONNX files, and a network that lies, hangs, dies or is not there."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from edgerund.errors import ControlError
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.learned.networks import answers_nan, likes, takes_long
from tests.waiting import wait_for

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed"
)
TOP, MID, LOW = 0, 1, 2
SWITCHING = {"dwell_s": 0.1, "max_per_hour": 3600, "cost_s": 0}
Begin = Callable[..., Running]


@pytest.fixture
def begin(start: Start, tmp_path: Path) -> Begin:
    """A daemon on three variants, whose policy names ``net.onnx`` beside it."""

    def go(**settings: Any) -> Running:
        write_policy(tmp_path)
        ladder = write_ladder(tmp_path / "demo")
        return start(
            {"ladders": [{"path": str(ladder)}], "policy": str(tmp_path / "p.yaml"), **settings}
        )

    return go


def write_policy(folder: Path, **learned: Any) -> None:
    terms = {"file": "net.onnx", "budget_ms": 500, **learned}
    told = {"policy": "learns", "switching": SWITCHING, "learned": terms}
    (folder / "p.yaml").write_text(yaml.safe_dump(told, sort_keys=False))


def learned(daemon: Running) -> dict[str, Any]:
    return dict(daemon.control.call("status")["learned"])


def decision(daemon: Running) -> dict[str, Any]:
    found = daemon.control.call("why")["decisions"]  # none before the first tick
    return dict(found[0]) if found else {"notes": [], "reason": {"code": ""}}


def test_what_the_network_wants_serves_with_its_reason_and_within_a_hold(
    begin: Begin, tmp_path: Path
) -> None:
    likes(tmp_path / "net.onnx", LOW, 3)
    daemon = begin()
    daemon.wait_until_live("low")
    wait_for(lambda: decision(daemon)["reason"]["code"] == "learned", what="the reason")
    assert decision(daemon)["proposal"] == {"variant": "low", "trouble": ""}
    assert daemon.status()["reason"]["text"] == "the learned policy prefers low to top"
    assert {"variant": "low", "reason": "learned", "count": 1} in daemon.status()["swaps"]
    assert "demo: low: the learned policy prefers low to top" in daemon.log_text()
    assert learned(daemon)["trouble"] == ""
    daemon.control.call("pin", variant="top", reason="mine")
    daemon.wait_until_live("top")
    wait_for(lambda: decision(daemon)["notes"], what="a note")
    assert decision(daemon)["notes"][-1] == "the learned policy proposes low, refused: hold"


def test_a_reload_swaps_the_network_and_a_mistake_in_it_changes_nothing(
    begin: Begin, tmp_path: Path
) -> None:
    net = likes(tmp_path / "net.onnx", LOW, 3)
    daemon = begin()
    daemon.wait_until_live("low")
    pid = learned(daemon)["pid"]
    daemon.control.call("reload", 30.0)
    assert learned(daemon)["pid"] == pid, "nothing changed"

    policy, line = tmp_path / "p.yaml", (tmp_path / "p.yaml").read_text().splitlines()
    place = f"{policy}:{line.index('  file: net.onnx') + 1}: learned.file"
    for broken, words in (
        (lambda: net.write_bytes(b"nonsense"), "cannot load net.onnx"),
        (lambda: likes(net, 0, 5), "it scores 5 variants, this ladder has 3 and needs 20 numbers"),
        (net.unlink, "cannot find the network"),
    ):
        broken()
        with pytest.raises(ControlError) as refused:
            daemon.control.call("reload", 30.0)
        assert place in str(refused.value)
        assert words in str(refused.value)
        assert (learned(daemon)["pid"], learned(daemon)["trouble"]) == (pid, "")
    assert daemon.status()["live"] == "low"

    likes(net, MID, 3)
    daemon.control.call("reload", 30.0)
    daemon.wait_until_live("mid")
    assert learned(daemon)["pid"] != pid
    wait_for(lambda: not psutil.pid_exists(pid), what="the end of the old network")

    policy.write_text(yaml.safe_dump({"policy": "plain", "switching": SWITCHING}))
    daemon.control.call("reload", 30.0)
    daemon.wait_until_live("top")
    assert daemon.control.call("status")["learned"] is None


def test_a_network_that_dies_is_started_again_and_told_once(begin: Begin, tmp_path: Path) -> None:
    likes(tmp_path / "net.onnx", LOW, 3)
    daemon = begin()
    for _ in range(3):
        daemon.wait_until_live("low")
        wait_for(lambda: learned(daemon)["trouble"] == "", what="a network")
        pid = int(learned(daemon)["pid"])
        os.kill(pid, signal.SIGKILL)
        wait_for(
            lambda pid=pid: learned(daemon)["pid"] not in (None, pid),  # type: ignore[misc]
            what="another one",
        )
    wait_for(lambda: learned(daemon)["trouble"] == "", what="a network")
    daemon.wait_until_live("low")
    assert daemon.log_text().count("the policy decides alone: its process ended") <= 1
    assert daemon.status()["restarts"] == 0


def test_a_network_that_hangs_costs_its_say_and_is_ended(begin: Begin, tmp_path: Path) -> None:
    likes(tmp_path / "net.onnx", LOW, 3)
    daemon = begin()
    daemon.wait_until_live("low")
    pid = int(learned(daemon)["pid"])
    os.kill(pid, signal.SIGSTOP)
    daemon.wait_until_live("top")
    assert learned(daemon)["trouble"] == "no answer within 500 ms"
    assert decision(daemon)["notes"] == ["the learned policy has no say: no answer within 500 ms"]
    wait_for(lambda: learned(daemon)["pid"] not in (None, pid), what="another one")
    daemon.wait_until_live("low")
    assert not psutil.pid_exists(pid)
    assert daemon.control.call("status")["control_failures"] == 0
    assert "decides alone: no answer within 500 ms" in daemon.log_text()


def test_a_network_that_takes_its_time_leaves_the_decision_to_the_policy(
    begin: Begin, tmp_path: Path
) -> None:
    takes_long(tmp_path / "net.onnx", 3, 1500)
    write_policy(tmp_path, budget_ms=1)
    daemon = begin()
    write_policy(tmp_path, budget_ms=1)
    daemon.control.call("reload", 30.0)
    late = "the learned policy has no say: no answer within 1 ms"
    wait_for(lambda: decision(daemon)["notes"] == [late], what="the note")
    assert daemon.status()["live"] == "top"


def test_scores_that_are_no_numbers_are_told(begin: Begin, tmp_path: Path) -> None:
    answers_nan(tmp_path / "net.onnx", 3)
    daemon = begin()
    wait_for(lambda: decision(daemon)["notes"], what="a note")
    wait_for(
        lambda: (
            decision(daemon)["notes"]
            == ["the learned policy has no say: its scores are not numbers"]
        ),
        what="the note",
    )
    assert daemon.status()["live"] == "top"
    assert learned(daemon)["trouble"] == "its scores are not numbers"
    assert daemon.log_text().count("its scores are not numbers") == 1


@pytest.mark.parametrize(
    ("variants", "trouble"),
    [(0, "cannot load net.onnx"), (5, "for 3 variants: it takes 30 numbers and scores 5")],
)
def test_a_network_that_cannot_be_used_keeps_no_daemon_from_starting(
    begin: Begin, tmp_path: Path, variants: int, trouble: str
) -> None:
    if variants:
        likes(tmp_path / "net.onnx", LOW, variants)
    else:
        (tmp_path / "net.onnx").write_bytes(b"nonsense")
    daemon = begin()
    wait_for(lambda: trouble in learned(daemon)["trouble"], what="the trouble")
    wait_for(lambda: trouble in daemon.log_text(), what="the journal")
    assert daemon.status()["live"] == "top"
    text = edgerund("status", "--runtime-dir", str(daemon.runtime_dir)).stdout
    assert "has no say: " in text


def test_a_recording_holds_what_was_proposed_and_replays_without_the_network(
    begin: Begin, tmp_path: Path
) -> None:
    net = likes(tmp_path / "net.onnx", LOW, 3)
    flight = tmp_path / "flight.jsonl"
    daemon = begin(recorder={"file": str(flight)}, tick_s=0.05)
    daemon.wait_until_live("low")
    os.kill(int(learned(daemon)["pid"]), signal.SIGKILL)
    wait_for(lambda: "its process ended" in daemon.log_text(), what="the death in the journal")
    wait_for(lambda: learned(daemon)["trouble"] == "", what="a network")
    likes(net, MID, 3)
    daemon.control.call("reload", 30.0)
    daemon.wait_until_live("mid")
    wait_for(lambda: '"mid"' in flight.read_text().splitlines()[-1], what="it in the recording")
    still = tmp_path / "still.jsonl"
    shutil.copy(flight, still)

    result = json.loads(edgerund("replay", "--json", str(still)).stdout)
    assert result["identical"] == result["ticks"] > 20
    assert result["networks"]["asked"] == result["networks"]["same"] > 0
    assert len(result["networks"]["missing"]) == 1, "the first network was overwritten"
    net.unlink()
    done = edgerund("replay", str(still))
    assert "every decision comes out as recorded, byte for byte" in done.stdout
    assert done.stdout.count("the learned policy was not asked again") == 2


def edgerund(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgerund", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_a_supervisor_that_is_killed_takes_the_network_along(begin: Begin, tmp_path: Path) -> None:
    likes(tmp_path / "net.onnx", LOW, 3)
    daemon = begin()
    daemon.wait_until_live("low")
    pid = int(learned(daemon)["pid"])
    os.kill(int(daemon.control.call("ping")["pid"]), signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(pid), what="the end of the network")
