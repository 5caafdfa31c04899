"""From a stranger's ONNX file and some photographs to a daemon that answers with every variant of the ladder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from edgerund.client import Answer, Client
from tests.daemon.conftest import Running, Start
from tests.shared_data import shared

pytestmark = [pytest.mark.soak, pytest.mark.timeout(2400)]
pytest.importorskip("onnx")

PERSON, BIRD, CAT, KITE = 0, 14, 15, 33
PHOTOGRAPHS = ("bird.bmp", "cat_720p.jpg", "face.jpg", "grace_hopper.bmp", "kite_and_cold.jpg")


def photograph(name: str) -> Any:
    return np.asarray(Image.open(shared(f"images/{name}")).convert("RGB"))


def write_crops(folder: Path, count: int = 64) -> Path:
    """Parts of photographs, some of them mirrored."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        whole = photograph(PHOTOGRAPHS[number % len(PHOTOGRAPHS)])
        high, wide = (int(side * rng.uniform(0.5, 1.0)) for side in whole.shape[:2])
        top, left = (
            int(rng.integers(0, n - m + 1))
            for n, m in zip(whole.shape[:2], (high, wide), strict=True)
        )
        part = whole[top : top + high, left : left + wide]
        if rng.random() < 0.5:
            part = part[:, ::-1]
        Image.fromarray(part).resize((400, 400)).save(folder / f"{number}.png")
    return folder


def write_digits(folder: Path, count: int = 64) -> Path:
    """The same nine, turned and moved."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    nine = Image.open(shared("images/mnist_nine.bmp")).convert("L")
    for number in range(count):
        moved = int(rng.integers(-3, 4)), int(rng.integers(-3, 4))
        turned = nine.rotate(float(rng.uniform(-20, 20)), translate=moved)
        turned.save(folder / f"{number}.png")
    return folder


def built(model: str, pictures: Path, out: Path, *options: str) -> Sequence[str]:
    """Build a ladder and check it, as a user does; the names of its variants."""
    line = [sys.executable, "-m", "edgerund"]
    given = ["--onnx", str(shared(f"models/{model}")), "--calibration", str(pictures)]
    stored = ["--out", str(out), "--store", str(out.parent / "store"), "--threads", "1"]
    build = subprocess.run(
        [*line, "build", *given, *stored, "--quick", "--keep-dominated", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    check = subprocess.run(
        [*line, "ladder", "check", str(out)], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr
    variants = yaml.safe_load((out / "ladder.yaml").read_text())["variants"]
    return [variant["name"] for variant in variants]


def asked(daemon: Running, ladder: str, variants: Sequence[str], frame: Any) -> dict[str, Answer]:
    """What each variant answers, once the daemon has swapped to it."""
    answers = {}
    for variant in variants:
        daemon.control.call("pin", ladder=ladder, variant=variant)
        daemon.wait_until_live(variant, ladder)
        with Client(ladder, runtime_dir=daemon.runtime_dir) as client:
            answers[variant] = client.infer(frame)
        assert answers[variant].variant == variant
    return answers


def test_a_detector_of_photographs(start: Start, tmp_path: Path) -> None:
    out = tmp_path / "detector"
    options = ("--colour", "BGR", "--fit", "stretch")
    names = built("FastestDet_352_coco.onnx", write_crops(tmp_path / "crops"), out, *options)
    assert {"float", "fp16", "mixed"} <= set(names)
    assert {"int8", "int8-arm"} & set(names)  # one of them may lose too much on 32 images
    report = (out / "report.md").read_text()
    assert "no INT8 form, left in float: Softmax" in report
    daemon = start({"ladders": [{"path": str(out)}]})
    seen: list[tuple[str, Callable[[list[int]], bool]]] = [
        ("cat_720p.jpg", lambda classes: classes[0] == CAT),
        ("bird.bmp", lambda classes: classes[0] == BIRD),
        ("grace_hopper.bmp", lambda classes: classes[0] == PERSON),
    ]
    for name, fine in seen:
        frame = photograph(name)
        answers = asked(daemon, "fastestdet_352_coco", names, frame)
        for variant, answer in answers.items():
            assert fine(answer.result["classes"]), f"{name}, {variant}: {answer.result}"
        best = {variant: answer.result["boxes"][0] for variant, answer in answers.items()}
        side = max(frame.shape)
        for box in best.values():  # the best box is where float has it
            assert np.abs(np.array(box) - best["float"]).max() < 0.15 * side


def test_a_classifier_of_digits(start: Start, tmp_path: Path) -> None:
    out = tmp_path / "digits"
    names = built("ort_mnist.onnx", write_digits(tmp_path / "nines"), out, "--scale", "1")
    daemon = start({"ladders": [{"path": str(out)}]})
    nine = np.asarray(Image.open(shared("images/mnist_nine.bmp")).convert("L"))
    answers = asked(daemon, "ort_mnist", names, nine)
    assert {"float", "int8"} <= set(answers)
    assert {answer.result["classes"][0] for answer in answers.values()} == {9}
