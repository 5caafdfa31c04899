from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from edgerund import Client
from edgerund.bench.daemon import own_daemon
from edgerund.build.crew import Alone, Team, make_bench
from edgerund.build.factory import Job, open_factory
from edgerund.build.history import History
from edgerund.build.keys import data_digests
from edgerund.build.progress import Forecast, Lines
from edgerund.build.run import Run, Terms
from edgerund.cli import main
from edgerund.config.card import read_card
from tests.build.beds import STAGES, frames_of, write_bed, write_model, write_pictures
from tests.build.nets import pictures
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
FEW = """\
  float: {use: onnx, file: model.onnx}
  fp16: {use: fp16, from: float}
"""
MORE = (
    STAGES
    + """\
  mixed: {use: mixed, from: float, scored: 8}
  lowrank: {use: lowrank, from: float, energy: 0.9}
"""
)


def make(folder: Path, recipe: Path, store: str, jobs: int = 1) -> dict[str, bytes]:
    """Every stage's file from an empty store, without measuring."""
    factory = open_factory(Job(recipe, store=folder / store, threads=1, seed=7))
    data = factory.source.load()
    crew = (
        Team(factory.source, factory.store.folder, lambda *_: None, jobs)
        if jobs > 1
        else Alone(make_bench(factory.source, factory.store, data), lambda *_: None)
    )
    run = Run(factory.plan, Terms(7, 1), data_digests(data), crew)
    outcome = run.all(Lines(Forecast({})), History(folder / store / "history.jsonl"))
    assert outcome.failed == {}
    return {name: e.artifact.path.read_bytes() for name, e in outcome.made.items()}


def test_two_builds_from_nothing_give_the_same_bytes(tmp_path: Path) -> None:
    recipe = write_bed(tmp_path, MORE)
    first = make(tmp_path, recipe, "one")
    second = make(tmp_path, recipe, "two", jobs=2)
    assert list(first) == ["float", "fp16", "int8", "shared", "mixed", "lowrank"]
    assert {n for n in first if first[n] != second[n]} == set()


def test_one_command_makes_a_ladder_that_the_daemon_serves(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = write_model(tmp_path / "gratings.onnx")
    calibration = write_pictures(tmp_path / "pictures", 64)
    out = tmp_path / "ladder"
    command = ["build", "--onnx", str(model), "--calibration", str(calibration), "--out", str(out)]
    code = main([*command, "--store", str(tmp_path / "store"), "--quick", "--seconds", "1"])
    told = capfd.readouterr()
    assert code == 0, told.err
    assert "guessed: scale: 255 # CHECK" in told.err
    assert main(["ladder", "check", str(out)]) == 0
    cards = [read_card(file) for file in (out / "cards").iterdir()]
    assert all(card.metric == "top1" and (card.accuracy or 0) > 0.7 for card in cards)
    assert all(card.latency_ms and card.memory_bytes is not None for card in cards)
    report = (out / "report.md").read_text() + (out / "report.html").read_text()
    for stage in ("float", "fp16", "int8", "int8-arm", "mixed", "shared", "lowrank"):
        assert stage in report

    asked = pictures(8, 33)
    assert asked.labels is not None
    with (
        own_daemon({"ladders": [{"path": str(out)}]}) as runtime,
        Client(runtime_dir=runtime) as client,
    ):
        best = [client.infer(frame).result["labels"][0] for frame in frames_of(asked)]
    right = [name == f"grating{label}" for name, label in zip(best, asked.labels, strict=True)]
    assert np.mean(right) > 0.7


def test_without_labels_accuracy_says_that_it_is_agreement(tmp_path: Path) -> None:
    recipe = write_bed(tmp_path, FEW)
    for file in sorted((tmp_path / "pictures").glob("*/*.png")):
        file.rename(tmp_path / "pictures" / f"{file.parent.name}-{file.name}")
    out = tmp_path / "ladder"
    store = str(tmp_path / "store")
    command = ["build", str(recipe), "--out", str(out), "--store", store, "--keep-dominated"]
    assert main(command) == 0
    ladder = yaml.safe_load((out / "ladder.yaml").read_text())
    for variant in ladder["variants"]:
        card = read_card(out / variant["card"])
        compared = "itself" if variant["name"] == "float" else "float"
        assert card.metric == f"agreement with {compared}; the images have no labels"
        assert card.accuracy is not None
        assert card.images == 20
        assert "held out of calibration" in (card.dataset or "")


def test_a_failing_technique_costs_itself_and_the_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recipe = write_bed(
        tmp_path,
        "  float: {use: onnx, file: model.onnx}\n"
        "  bad: {use: 'tests.build.doings:Refuse', from: float}\n",
    )
    out = tmp_path / "ladder"
    store = str(tmp_path / "store")
    assert main(["build", str(recipe), "--out", str(out), "--store", store]) == 17
    assert "FAILED: bad: cannot do that: it is not its day" in capfd.readouterr().out
    assert "it is not its day" in (out / "report.md").read_text()
    assert main(["ladder", "check", str(out)]) == 0
    mark = json.loads((out / "build.json").read_text())
    assert {"ladder.yaml", "float.onnx", "golden.npz", "report.html", "recipe.yaml"} <= set(
        mark["files"]
    )


def start(recipe: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "edgerund", "build", str(recipe), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--store", str(out.parent / "store")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ORT_DISABLE_TELEMETRY": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def building(out: Path) -> list[Path]:
    return list(out.parent.glob(f".{out.name}.building-*"))


def test_a_killed_build_goes_on_where_it_was_and_leaves_nothing_half(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    recipe = write_bed(
        tmp_path,
        "  float: {use: onnx, file: model.onnx}\n"
        f"  long: {{use: 'tests.build.doings:Wait', from: float, place: '{place}'}}\n",
        count=8,
    )
    out = tmp_path / "ladder"
    first = start(recipe, out)
    wait_for((place / "started").exists, 60, "the long stage began")
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=30)
    assert not out.exists()
    (place / "go").touch()

    second = start(recipe, out)
    wait_for(lambda: building(out) or second.poll() is not None, 60, "the ladder is put together")
    second.send_signal(signal.SIGKILL)
    said, _ = second.communicate(timeout=30)
    assert "float: found in the store" in said
    assert not out.exists()
    assert building(out)

    third = start(recipe, out)
    said, _ = third.communicate(timeout=110)
    assert third.returncode == 0, said
    assert "long: found in the store" in said
    assert building(out) == []
    entries = [json.loads(f.read_text()) for f in (tmp_path / "store").glob("entries/*/entry.json")]
    assert {e["stage"]: e["facts"].get("resumed") for e in entries}["long"] is True
    assert main(["ladder", "check", str(out)]) == 0
