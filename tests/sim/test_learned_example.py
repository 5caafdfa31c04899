"""The example that trains a network writes one that a policy can name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgerund.learned.network import Network

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_trains_a_network_for_the_ladder(tmp_path: Path) -> None:
    for module in ("gymnasium", "onnx", "onnxruntime"):
        pytest.importorskip(module)
    short = tmp_path / "short.yaml"
    short.write_text("about: short\nduration_s: 60\n")
    command = [sys.executable, str(ROOT / "examples" / "python" / "learned_policy.py")]
    command += [str(ROOT / "policies" / "rover.yaml"), str(tmp_path / "net.onnx")]
    command += ["--scenario", str(short), "--rounds", "1", "--tries", "6"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    network = Network(tmp_path / "net.onnx")
    assert network.variants == 7
    assert any(network.scores([0.5] * 40))
