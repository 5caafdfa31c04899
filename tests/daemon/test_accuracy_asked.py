"""A client that needs accuracy lifts a thrifty daemon's variant, for as long as it asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from edgerund.client import Client
from tests.daemon.conftest import Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for

CARDS = {
    "top": {"accuracy": 0.93, "latency_ms": 2.0, "energy_mj": 90.0},
    "mid": {"accuracy": 0.9, "latency_ms": 1.0, "energy_mj": 40.0},
    "low": {"accuracy": 0.8, "latency_ms": 0.5, "energy_mj": 10.0},
}


def test_it_is_served_better_while_it_asks_and_no_longer(start: Start, tmp_path: Path) -> None:
    folder = write_ladder(tmp_path / "ladder")
    told = yaml.safe_load((folder / "ladder.yaml").read_text())
    for variant in told["variants"]:
        (folder / f"{variant['name']}.yaml").write_text(yaml.safe_dump(CARDS[variant["name"]]))
        variant["card"] = f"{variant['name']}.yaml"
    (folder / "ladder.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    policy = tmp_path / "thrifty.yaml"
    policy.write_text(
        "policy: thrifty\n"
        "objective: {minimise: energy, accuracy_floor: 0.5}\n"
        "switching: {dwell_s: 0, max_per_hour: 3600}\n"
        "clients: {active_s: 1.0, max_accuracy: 0.92}\n"
    )
    daemon = start({"ladders": [{"path": str(folder)}], "policy": str(policy)})
    frame = np.zeros((8, 8, 3), np.uint8)
    with Client(runtime_dir=daemon.runtime_dir) as client:
        wait_for(lambda: client.infer(frame).variant == "low", what="the thriftiest")
        careful = Client(runtime_dir=daemon.runtime_dir, min_accuracy=0.9)
        assert careful.infer(frame).accuracy == "missed"
        wait_for(lambda: careful.infer(frame).variant == "mid", what="one that is good enough")
        assert careful.infer(frame).accuracy == "met"
        answer = client.infer(frame)
        assert answer.accuracy is None  # it did not ask
        # more than the policy grants: it gets what is granted, and is told that this is not it
        wait_for(lambda: careful.infer(frame, min_accuracy=0.99).variant == "top", what="granted")
        assert careful.infer(frame, min_accuracy=0.99).accuracy == "missed"
        notes = daemon.control.call("why")["decisions"][0]["notes"]
        assert any("the policy grants 0.92" in note for note in notes)
        careful.close()
        wait_for(lambda: client.infer(frame).variant == "low", what="forgotten")
