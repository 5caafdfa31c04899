"""Small ladders for measuring: real tiny networks of two backends, a cascade of them, and fakes that misbehave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from edgerund.config.ladder import load_ladder
from edgerund.profile.samples import Samples
from edgerund.profile.settings import Settings
from edgerund.types import LadderPlan
from tests.engines import onnx_bytes, tflite_bytes

LABELS = ["dark", "red", "green", "blue"]
QUICK = Settings(
    rounds=6, loads=1, energy_seconds=0, robust_images=8, severities=(3,), timeout_s=60
)


def colours(count: int = 24) -> Samples:
    """Pictures of one colour each, and which one that is: a linear network can tell them apart."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 4
    frames = rng.integers(0, 60, (count, 4, 4, 3)).astype(np.uint8)
    for frame, label in zip(frames, labels, strict=True):
        if label:
            frame[..., label - 1] += 170
    return Samples(frames=frames, labels=labels, source="drawn colours")


def weights(spoilt: bool = False) -> tuple[Any, Any]:
    """Of a network that sums each colour: right about ``colours`` unless it is spoilt."""
    weight = np.zeros((3, 16, 4), np.float32)
    for colour in range(3):
        weight[colour, :, (colour + 1) % 4 if not spoilt else 0] = 1
    return weight.reshape(48, 4), np.array([5, 0, 0, 0], np.float32)


def real_ladder(folder: Path, **more: dict[str, Any]) -> LadderPlan:
    """``onnx``, ``lite`` (the same in TFLite), ``cascade`` of ``bad`` and ``onnx``, ``bad``, and what is added."""
    weight, bias = weights()
    by_pixel = weight.reshape(3, 16, 4).transpose(1, 0, 2).reshape(48, 4)
    wrong, _ = weights(spoilt=True)
    (folder / "good.onnx").write_bytes(onnx_bytes.linear(weight, bias))
    (folder / "bad.onnx").write_bytes(onnx_bytes.linear(wrong, bias))
    (folder / "good.tflite").write_bytes(tflite_bytes.linear(by_pixel, bias))
    rule = {"kind": "margin", "at_least": 15.0}
    members = [{"file": "bad.onnx", "accept": rule}, {"file": "good.onnx"}]
    (folder / "both.cascade").write_text(json.dumps({"members": members}))
    variants: list[dict[str, Any]] = [
        {"name": "onnx", "file": "good.onnx"},
        {"name": "lite", "file": "good.tflite", "input": {"layout": "NHWC"}},
        {"name": "cascade", "file": "both.cascade"},
        {"name": "bad", "file": "bad.onnx"},
    ]
    return _written(folder, variants, more)


def fake_ladder(folder: Path, **variants: dict[str, Any]) -> LadderPlan:
    """Fakes that look like classifiers of 4 x 4 pixels."""
    return _written(folder, [], variants)


def _written(
    folder: Path, variants: list[dict[str, Any]], fakes: dict[str, dict[str, Any]]
) -> LadderPlan:
    usual = {
        "inputs": [{"name": "image", "shape": [-1, 3, 4, 4]}],
        "outputs": [{"name": "scores", "shape": [-1, 4]}],
    }
    for name, told in fakes.items():
        (folder / f"{name}.fake").write_text(json.dumps({**usual, **told}))
        variants = [*variants, {"name": name, "file": f"{name}.fake"}]
    content = {
        "ladder": "tiny",
        "task": "classify",
        "labels": LABELS,
        "top_k": 1,
        "defaults": {"input": {"size": 4}},
        "variants": variants,
    }
    (folder / "ladder.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return load_ladder(folder)
