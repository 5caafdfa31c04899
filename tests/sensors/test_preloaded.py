"""The two faults that no plain file can have, in a process with a preloaded library: ENODATA, and no answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sensors.cases import CASES
from tests.sensors.preloaded import PERIOD_S

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler for the library that makes reads fail")
    built = tmp_path_factory.mktemp("faulty") / "faulty_read.so"
    command = [
        compiler,
        "-shared",
        "-fPIC",
        "-O1",
        "-o",
        str(built),
        str(HERE / "faulty_read.c"),
        "-ldl",
    ]
    subprocess.run(command, check=True)
    return built


def run(library: Path, root: Path, what: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sensors.preloaded", str(root), what],
        cwd=HERE.parents[1],
        env={**os.environ, "LD_PRELOAD": str(library)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=100,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_enodata_is_offline_for_every_reader(library: Path, tmp_path: Path) -> None:
    found = run(library, tmp_path, "no_data")
    assert set(found) == {c.reader for c in CASES}
    for reader, said in found.items():
        assert said[1:3] == ["offline", "offline"], (reader, said)
        assert said[0] == said[4] == "value", (reader, said)


def test_a_read_that_hangs_is_abandoned_and_recovers_for_every_reader(
    library: Path, tmp_path: Path
) -> None:
    found = run(library, tmp_path, "hang")
    assert set(found) == {c.reader for c in CASES}
    for reader, r in found.items():
        assert r["first"] >= 0, (reader, "it never worked")
        assert r["hung"] >= 0, (reader, "it was never reported as hung")
        assert r["state"] == "hung", (reader, r)
        assert r["alive"], (reader, "the hub itself must go on")
        assert r["back"] >= 0, (reader, "it never came back")
        # the others: at most one period late, and the slack of a busy test machine
        assert r["other_age"] < 2 * PERIOD_S + 0.5, (reader, r)
