"""A daemon with a shadow: drift of the cheap variant is seen, told, and answered with a better one."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from edgerund.client import Client
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for

CARDS = {
    "top": {"accuracy": 0.93, "latency_ms": 2.0, "energy_mj": 90.0},
    "mid": {"accuracy": 0.9, "latency_ms": 1.0, "energy_mj": 40.0},
    "low": {"accuracy": 0.85, "latency_ms": 0.5, "energy_mj": 10.0},
}
POLICY = """
policy: watched
objective: {minimise: energy, accuracy_floor: 0.8}
switching: {dwell_s: 0, max_per_hour: 3600}
shadow: {share: 1, max_per_s: 1000}
"""


def running(start: Start, tmp_path: Path, **more: Any) -> Running:
    # low answers like nobody else: whatever its card says, this scene is not what it was measured on
    folder = write_ladder(
        tmp_path / "ladder", variants={"top": {"seed": 5}, "mid": {"seed": 5}, "low": {"seed": 6}}
    )
    told = yaml.safe_load((folder / "ladder.yaml").read_text())
    for variant in told["variants"]:
        (folder / f"{variant['name']}.yaml").write_text(yaml.safe_dump(CARDS[variant["name"]]))
        variant["card"] = f"{variant['name']}.yaml"
    (folder / "ladder.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    policy = tmp_path / "watched.yaml"
    policy.write_text(POLICY)
    return start({"ladders": [{"path": str(folder)}], "policy": str(policy), **more})


class Camera(threading.Thread):
    """Different frames, one at a time."""

    def __init__(self, daemon: Running) -> None:
        super().__init__()
        self.errors: list[BaseException] = []
        self._daemon, self._stopped = daemon, threading.Event()
        self.start()

    def run(self) -> None:
        random = np.random.default_rng(0)
        try:
            with Client(runtime_dir=self._daemon.runtime_dir) as client:
                while not self._stopped.wait(0.004):
                    client.infer(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        except BaseException as e:
            self.errors.append(e)

    def stop(self) -> None:
        self._stopped.set()
        self.join()
        assert self.errors == []


def test_drift_is_seen_told_and_answered(start: Start, tmp_path: Path) -> None:
    daemon = running(start, tmp_path)
    camera = Camera(daemon)
    try:
        daemon.wait_until_live("low")  # the thriftiest, by the cards
        daemon.wait_until_live("mid")  # until the shadow has seen enough
        seen = {a["variant"]: a for a in daemon.status()["agreements"]}
        assert seen["low"]["drifted"]
        assert seen["low"]["accuracy"] < 0.8
        wait_for(
            lambda: "mid" in {a["variant"] for a in daemon.status()["agreements"]},
            what="the one that serves now is watched too",
        )
        (decision,) = daemon.control.call("why")["decisions"]
        low = next(r for r in decision["rejected"] if r["variant"] == "low")
        assert low["reason"]["code"] == "floor"
        assert "drift: low answers like the best variant in" in daemon.log_text()
    finally:
        camera.stop()


def test_after_a_worker_died_the_shadow_rests(start: Start, tmp_path: Path) -> None:
    daemon = running(start, tmp_path)
    camera = Camera(daemon)
    try:
        wait_for(lambda: daemon.status()["agreements"], what="the shadow runs")
        pid = daemon.status()["pid"]
        os.kill(pid, signal.SIGSEGV)
        daemon.wait_for_another_worker(pid)
        wait_for(lambda: daemon.status()["live"], what="it serves again")
        frames = [a["frames"] for a in daemon.status()["agreements"]]
        answered = daemon.status()["outcomes"].get("ok", 0)
        wait_for(
            lambda: daemon.status()["outcomes"].get("ok", 0) > answered + 100, what="many answers"
        )
        assert [a["frames"] for a in daemon.status()["agreements"]] <= frames
    finally:
        camera.stop()
