"""One stage run by hand, as the factory runs it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort

from edgerund import registry
from edgerund.build.technique import Array, Artifact, Context, Data
from tests.build import nets


def run(
    name: str,
    model: Any,
    data: Data,
    folder: Path,
    told: list[tuple[float, str]] | None = None,
    **params: Any,
) -> Artifact:
    """The artifact that technique ``name`` makes of ``model`` (a model, or the path of a file)."""
    folder.mkdir(parents=True, exist_ok=True)
    source = model if isinstance(model, Path) else nets.save(model, folder / "parent.onnx")
    made, scratch = folder / "made", folder / "scratch"
    made.mkdir()
    scratch.mkdir()
    technique = registry.resolve("techniques", name)()
    heard = told if told is not None else []
    context = Context(made, scratch, data, 1, 1, lambda share, text: heard.append((share, text)))
    parent = Artifact(source, "onnx", {}, ("Trained.",))
    parents = [parent] * getattr(technique, "least_parents", 1)
    artifact: Artifact = technique.run(parents, technique.Params(**params), context)
    return artifact


def session(path: Path) -> Any:
    """A plain session."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answers(path: Path, inputs: Mapping[str, Array]) -> list[Array]:
    """All outputs for all images, one image at a time where the network wants it so."""
    running = session(path)
    fixed = isinstance(running.get_inputs()[0].shape[0], int)
    count = len(next(iter(inputs.values())))
    size = 1 if fixed else count
    runs = [
        running.run(None, {k: v[i : i + size] for k, v in inputs.items()})
        for i in range(0, count, size)
    ]
    return [np.concatenate(each) for each in zip(*runs, strict=True)]


def signature(path: Path) -> tuple[Any, Any]:
    """Names, types and shapes of inputs; names and types of outputs."""
    running = session(path)
    shapes = [
        (v.name, v.type, [s if isinstance(s, int) else None for s in v.shape])
        for v in running.get_inputs()
    ]
    return shapes, [(v.name, v.type) for v in running.get_outputs()]


def distance(ours: Sequence[Array], theirs: Sequence[Array]) -> float:
    """Relative L2 distance over all outputs."""
    far = sum(float(((a - b) ** 2).sum()) for a, b in zip(ours, theirs, strict=True))
    size = sum(float((b**2).sum()) for b in theirs)
    return float(np.sqrt(far / size))
