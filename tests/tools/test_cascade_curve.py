"""The tool that chooses a cascade's threshold: its arithmetic, and one run on fakes from end to end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgerund.checksum import file_sha256
from edgerund.config.card import CardFile
from edgerund.engines.cascade_file import read_cascade
from tests.engines import onnx_bytes
from tests.tools.test_cifar10_data import COUNT, write_packed
from tools.cascade_card import card
from tools.cascade_parts import Point, choose, points
from tools.cifar10.data import CLASSES, Part

ROOT = Path(__file__).resolve().parents[2]
answers = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.floats(0.1, 1)),
    min_size=2,
    max_size=50,
)


@given(answers)
def test_each_point_says_what_the_rule_would_have_answered(
    told: list[tuple[bool, bool, bool, float]],
) -> None:
    cheap, top, base, confidence = (np.array(column) for column in zip(*told, strict=True))
    found = points(cheap, top, base, confidence)
    assert found[0].at_least == 0
    assert found[0].share == 0
    for point in found:
        stays = [sure >= point.at_least for sure in confidence]
        right = [c if s else t for c, t, s in zip(cheap, top, stays, strict=True)]
        assert point.accuracy == np.mean(right)
        assert np.isclose(point.loss, np.mean(base) - np.mean(right))
        assert np.isclose(point.share, 1 - np.mean(stays))
        assert point.noise >= 0


def test_the_cheapest_point_that_spares_two_standard_errors_is_chosen() -> None:
    found = [
        Point(0.0, 0.90, 0.03, 0.001, 0.0),
        Point(0.5, 0.928, 0.002, 0.0015, 0.1),
        Point(0.7, 0.929, 0.001, 0.001, 0.2),
        Point(0.9, 0.93, 0.0, 0.0005, 0.4),
    ]
    assert choose(found, 0.003).at_least == 0.7
    assert choose(found, 0.04).at_least == 0.0
    assert choose(found, -0.01).at_least == 0.9


def test_a_run_writes_a_cascade_and_measures_what_it_wrote(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(5)
    for name in ("top", "small", "third"):
        weight = rng.normal(0, 0.1, (3 * 32 * 32, 10)).astype(np.float32)
        data = onnx_bytes.linear(weight, np.zeros(10, np.float32), size=32)
        (tmp_path / f"{name}.onnx").write_bytes(data)
    ladder = tmp_path / "ladder.yaml"
    told = {
        "ladder": "toy",
        "task": "classify",
        "labels": list(CLASSES),
        "defaults": {"input": {"size": [32, 32]}},
        "variants": [{"name": n, "file": f"{n}.onnx"} for n in ("third", "top", "small")],
    }
    ladder.write_text(yaml.safe_dump(told))
    for name in ("train", "test"):
        images = rng.integers(0, 256, (COUNT, 3, 32, 32), dtype=np.uint8)
        write_packed(tmp_path / f"{name}.npz", Part(images, rng.integers(0, 10, COUNT)))
    out = tmp_path / "both.cascade"
    wanted = ["--cheap", "small", "--top", "top", "--data", tmp_path, "--out", out, "--rounds", 2]
    wanted += ["--against", "third"]
    command = [sys.executable, "-m", "tools.cascade_curve", ladder, *wanted, "--loss", "100"]
    ran = subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("<- chosen") == 1
    figures = json.loads(ran.stdout[ran.stdout.index("{") : ran.stdout.rindex("}") + 1])
    assert figures["images"] == COUNT
    assert figures["escalated"] == 0
    assert figures["accuracy"] == figures["beside"]["small"]["accuracy"]
    cheap, top = read_cascade(out)
    assert cheap.accept is not None
    assert cheap.accept.at_least == 0
    assert (cheap.file, top.file) == ("small.onnx", "top.onnx")
    assert None not in (cheap.sha256, top.sha256)
    made = card(out, figures, "a test", repeats=1)
    assert made["sha256"] == file_sha256(out)
    assert made["load_ms"] > 0
    written = CardFile.model_validate(made).figures()
    assert (written.accuracy, written.latency_ms) == (figures["accuracy"], figures["typical_ms"])
