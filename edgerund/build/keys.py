"""What a stage's result depends on, as one fingerprint: the same key, the same file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.build.plan import Stage
from edgerund.build.recipe import Recipe
from edgerund.build.technique import Data
from edgerund.checksum import file_sha256

FORMAT = 1
_ONNX_PARTS, _ONNX_LIBRARIES = ("calibration", "validation"), ("numpy", "onnx", "onnxruntime")
_PARTS = {"onnx": _ONNX_PARTS, "cascade": _ONNX_PARTS, "torch": ("train", "validation")}
_LIBRARIES = {"onnx": _ONNX_LIBRARIES, "cascade": _ONNX_LIBRARIES, "torch": ("numpy", "torch")}


def data_digests(data: Data) -> dict[str, str]:
    """A fingerprint of each part of the data that stages may look at; ``test`` is none of them."""
    parts = {"calibration": data.calibration, "validation": data.validation, "train": data.train}
    return {name: digest(part) for name, part in parts.items()}


def stage_key(
    stage: Stage, parents: Sequence[str], recipe: Recipe, seed: int, digests: Mapping[str, str]
) -> str:
    """The key of a stage's result.

    Args:
        stage: what is done.
        parents: fingerprints of what its parents' results *are*, not of how they were made.
        recipe: names and revision of the training functions count where the stage trains.
        seed: of the build.
        digests: from ``data_digests``; a technique may name the parts it looks at as ``parts``.
    """
    technique = stage.technique
    kinds: dict[str, None] = dict.fromkeys(k for k in (technique.takes, technique.gives) if k)
    if stage.trains:
        kinds["torch"] = None
    usual = {part: None for kind in kinds for part in _PARTS[kind]}
    libraries = {name: None for kind in kinds for name in _LIBRARIES[kind]}
    told = {
        "format": FORMAT,
        "technique": stage.use,
        "version": technique.version,
        "params": _plain(stage.params),
        "parents": list(parents),
        "seed": seed,
        "data": {part: digests[part] for part in getattr(technique, "parts", usual)},
        "libraries": {name: version(name) for name in getattr(technique, "libraries", libraries)},
    }
    if stage.trains:
        told["functions"] = dict(recipe.roles)
        told["revision"] = recipe.revision
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def folder_digest(folder: Path) -> str:
    """The fingerprint of every file in a folder, with their names."""
    whole = hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole.update(f"{file.relative_to(folder).as_posix()}\0{file_sha256(file)}\n".encode())
    return whole.hexdigest()


def digest(value: Any) -> str:
    """The fingerprint of arrays and plain values; of anything else, only its type's name."""
    whole = hashlib.sha256()
    _feed(whole, value)
    return whole.hexdigest()


def _feed(whole: Any, value: Any) -> None:
    if hasattr(value, "detach") and hasattr(value, "numpy"):  # a torch tensor, torch not imported
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        whole.update(f"{value.dtype.str}{value.shape}".encode())
        if value.dtype.hasobject:
            whole.update(repr(value.tolist()).encode())
        else:
            whole.update(np.ascontiguousarray(value).data)
    elif isinstance(value, Mapping):
        for key in value:
            whole.update(f"{key}:".encode())
            _feed(whole, value[key])
    elif isinstance(value, (list, tuple)):
        whole.update(f"[{len(value)}]".encode())
        for item in value:
            _feed(whole, item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            whole.update(f"{field.name}:".encode())
            _feed(whole, getattr(value, field.name))
    elif value is None or isinstance(value, (str, bytes, int, float)):
        whole.update(repr(value).encode())
    else:
        whole.update(f"{type(value).__module__}.{type(value).__qualname__}".encode())


def _plain(params: Any) -> dict[str, Any]:
    """Parameters as JSON; a file counts by its content, wherever it lies."""
    plain: dict[str, Any] = params.model_dump(mode="json")
    for name, value in dict(params).items():
        if isinstance(value, Path):
            plain[name] = f"sha256 {file_sha256(value)}"
    return plain


def version(name: str) -> str:
    """The version of an installed package, or ``none``."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"
