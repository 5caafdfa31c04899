"""Ladders for the tests, written into a folder: fakes whose answers depend on the frame and on the variant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

LABELS = ("a", "b", "c", "d", "e", "f")
INPUT = {"name": "x", "dtype": "float32", "shape": [1, 3, 8, 8]}
OUTPUT = {"name": "y", "dtype": "float32", "shape": [1, len(LABELS)]}


def write_fake(path: Path, seed: int, **extra: Any) -> None:
    """One ``.fake`` variant; ``extra`` are keys of its file (``latency_ms``, ``crash_after`` ...)."""
    told = {"inputs": [INPUT], "outputs": [OUTPUT], "answer": "hash", "seed": seed, **extra}
    path.write_text(json.dumps(told))


def write_ladder(
    folder: Path, name: str = "demo", variants: dict[str, dict[str, Any]] | None = None, **top: Any
) -> Path:
    """A classify ladder of fakes, best first; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    variants = variants if variants is not None else {"top": {}, "mid": {}, "low": {}}
    for seed, (variant, extra) in enumerate(variants.items()):
        write_fake(folder / f"{variant}.fake", **{"seed": seed, **extra})
    told = {
        "ladder": name,
        "task": "classify",
        "labels": list(LABELS),
        "defaults": {
            "backend": "fake",
            "input": {"size": [8, 8]},
            "output": {"decoder": "logits"},
        },
        "variants": [{"name": v, "file": f"{v}.fake"} for v in variants],
        **top,
    }
    (folder / "ladder.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    return folder
