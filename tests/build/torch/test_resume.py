"""A training that is killed goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerund.build.technique import Artifact
from tests.build.torch import bench
from tests.waiting import wait_for

EPOCHS = 12


def start(place: Path, out: Path) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[3]
    with out.open("wb") as f:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.build.torch.bench", str(place), str(EPOCHS)],
            stdout=f,
            cwd=root,
        )


def test_after_kill_9_a_training_goes_on_and_gives_what_an_uninterrupted_one_gives(
    tmp_path: Path,
) -> None:
    place, out = tmp_path / "killed", tmp_path / "out"
    process = start(place, out)
    wait_for(lambda: out.read_text().count("epoch") >= 2, 90, "two epochs")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    told: list[tuple[float, str]] = []
    resumed = bench.run("train", [], place, told, params={"width": 8}, epochs=EPOCHS)
    whole = bench.run("train", [], tmp_path / "whole", params={"width": 8}, epochs=EPOCHS)

    assert len(told) < EPOCHS - 1
    ours, theirs = bench.state(resumed), bench.state(whole)
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_a_lottery_that_is_stopped_between_its_rounds_does_not_repeat_them(tmp_path: Path) -> None:
    top = bench.run("train", [], tmp_path / "top", params={"width": 8}, epochs=2)
    rounds: dict[str, Any] = {"sparsity": 0.7, "rounds": 3, "epochs": 1}
    whole = bench.run("lottery", [top], tmp_path / "whole", **rounds)

    class Stop(Exception):
        pass

    class UntilTwo(list[tuple[float, str]]):
        def append(self, item: tuple[float, str]) -> None:
            super().append(item)
            if len(self) == 2:
                raise Stop

    with pytest.raises(Stop):
        bench.run("lottery", [top], tmp_path / "stopped", UntilTwo(), **rounds)
    told: list[tuple[float, str]] = []
    resumed = bench.run("lottery", [top], tmp_path / "stopped", told, **rounds)

    assert len(told) == 1
    assert {k: v for k, v in resumed.facts.items() if k != "rounds"} == {
        k: v for k, v in whole.facts.items() if k != "rounds"
    }
    same(resumed, whole)


def same(one: Artifact, other: Artifact) -> None:
    ours, theirs = bench.state(one), bench.state(other)
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
