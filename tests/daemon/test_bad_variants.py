"""Damaged files are quarantined with their reason; a ladder with nothing usable is a clear start-up error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edgerund.bench.daemon import own_daemon
from edgerund.checksum import file_sha256
from edgerund.client import Client
from edgerund.errors import ControlError, StartError
from tests.daemon.conftest import Start
from tests.daemon.ladders import write_ladder


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_shape(path: Path) -> None:
    told = json.loads(path.read_text())
    told["inputs"][0]["shape"] = [1, 3, 16, 16]
    path.write_text(json.dumps(told))


def other_classes(path: Path) -> None:
    told = json.loads(path.read_text())
    told["outputs"][0]["shape"] = [1, 3]
    path.write_text(json.dumps(told))


def nans(path: Path) -> None:
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "nan_after": 0}))


def vanish(path: Path) -> None:
    path.unlink()


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "bit flipped": (flip, "sha256"),
    "truncated": (truncate, "cannot load"),
    "other input shape": (other_shape, "cannot"),
    "other number of classes": (other_classes, "cannot"),
    "answers NaN": (nans, "cannot"),
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_variant_is_quarantined_and_the_next_one_serves(
    start: Start, tmp_path: Path, damage: str
) -> None:
    harm, words = DAMAGE[damage]
    ladder = write_ladder(tmp_path / "demo")
    if words == "sha256":
        told = yaml.safe_load((ladder / "ladder.yaml").read_text())
        told["variants"][0]["sha256"] = file_sha256(ladder / "top.fake")
        (ladder / "ladder.yaml").write_text(yaml.safe_dump(told))
    harm(ladder / "top.fake")
    daemon = start({"ladders": [{"path": str(ladder)}]})
    status = daemon.status()
    assert words in status["variants"][0]["quarantined"]
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        answer = client.infer(np.zeros((8, 8, 3), np.uint8))
    assert answer.variant == "mid"
    assert answer.reason is not None
    assert answer.reason.code == "quarantine"
    with pytest.raises(ControlError, match="quarantined"):
        daemon.control.call("pin", ladder="demo", variant="top")


def test_a_wrong_golden_answer_is_quarantined(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "demo", golden={"file": "golden.npz", "tolerance": 0.05})
    frame = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    wrong = np.array([[9.0, -9.0, 9.0, -9.0, 9.0, -9.0]], np.float32)
    arrays: dict[str, Any] = {"frame": frame, "top.0": wrong}
    np.savez(ladder / "golden.npz", **arrays)
    daemon = start({"ladders": [{"path": str(ladder)}]})
    status = daemon.status()
    assert "golden" in status["variants"][0]["quarantined"]
    assert status["live"] == "mid"


def test_a_ladder_without_a_usable_variant_is_a_start_up_error(tmp_path: Path) -> None:
    ladder = write_ladder(
        tmp_path / "demo", variants={"a": {"fail_load": "no"}, "b": {"nan_after": 0}}
    )
    with (
        pytest.raises(StartError, match="no usable variant") as caught,
        own_daemon({"ladders": [{"path": str(ladder)}]}),
    ):
        pass
    assert "it ended with 11" in str(caught.value)
    assert "a: " in str(caught.value)
    assert "b: " in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_an_engine_that_turns_bad_while_serving_is_found_by_the_golden_question(
    start: Start, tmp_path: Path
) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"nan_after": 8}, "low": {}})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    variants, errors = set(), 0
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        for _ in range(400):
            try:
                variants.add(client.infer(np.zeros((8, 8, 3), np.uint8)).variant)
            except Exception:
                errors += 1
            if "low" in variants:
                break
    assert variants == {"top", "low"}
    assert "failed while serving" in daemon.status()["variants"][0]["quarantined"]
    assert errors >= 3  # each an error reply of its own; the frames were not the cause


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ("ladders: [{path: nowhere}]", 10, "nowhere"),
        ("ladder: [{path: x}]", 10, "unknown key"),
        ("ladders: [", 10, "cannot parse YAML"),
        ("ladders: []", 10, "ladders"),
        ("ladders: [{path: demo}]\npolicy: nosuch", 10, "nosuch"),
        ("ladders: [{path: demo, endpoints: ['tcp://192.0.2.1:5571']}]", 13, "cannot listen"),
        ("ladders: [{path: demo}]\nsensors: {enabled: [nosuch]}", 12, "nosuch"),
    ],
)
def test_wrong_settings_are_one_clear_message_and_a_numbered_exit(
    tmp_path: Path, settings: str, code: int, words: str
) -> None:
    import subprocess
    import sys

    write_ladder(tmp_path / "demo")
    file = tmp_path / "edgerund.yaml"
    file.write_text(f"{settings}\nruntime_dir: {tmp_path}\n")
    done = subprocess.run(
        [sys.executable, "-m", "edgerund", "serve", "--config", str(file)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (
        code,
        True,
        False,
    ), done.stderr
