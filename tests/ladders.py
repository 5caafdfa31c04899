"""Small ladders of fake variants in a folder, for tests of whoever reads, checks or serves one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from edgerund.checksum import file_sha256

FAKE_CLASSIFIER: dict[str, Any] = {
    "inputs": [{"name": "image", "shape": [-1, 3, 8, 8]}],
    "outputs": [{"name": "scores", "shape": [-1, 4]}],
}
FAKE_TENSOR: dict[str, Any] = {
    "inputs": [{"name": "a", "shape": [1, 4]}, {"name": "b", "shape": [1, 2], "dtype": "int64"}],
    "outputs": [{"name": "sum", "shape": [1, 3]}],
}


def write_fake(folder: Path, name: str, told: dict[str, Any]) -> Path:
    path = folder / f"{name}.fake"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told))
    return path


def classifier_ladder(folder: Path, **variants: dict[str, Any]) -> Path:
    """A classify ladder whose variants are fakes told as given (seed by position); returns the file."""
    return write_ladder(
        folder,
        {
            "ladder": "toy",
            "task": "classify",
            "labels": ["ant", "bee", "cat", "dog"],
            "defaults": {"input": {"size": [8, 8]}},
        },
        {
            name: {**FAKE_CLASSIFIER, "seed": i, **told}
            for i, (name, told) in enumerate(variants.items())
        },
    )


def tensor_ladder(folder: Path, **variants: dict[str, Any]) -> Path:
    """A tensor ladder of fakes with two raw inputs; returns the file."""
    told = {
        name: {**FAKE_TENSOR, "seed": i, **told} for i, (name, told) in enumerate(variants.items())
    }
    return write_ladder(folder, {"ladder": "raw", "task": "tensor"}, told)


def write_ladder(folder: Path, head: dict[str, Any], variants: dict[str, dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    files = [write_fake(folder, name, told) for name, told in variants.items()]
    listed = [
        {"name": name, "file": file.name, "sha256": file_sha256(file)}
        for name, file in zip(variants, files, strict=True)
    ]
    file = folder / "ladder.yaml"
    file.write_text(yaml.safe_dump({**head, "variants": listed}, sort_keys=False))
    return file
