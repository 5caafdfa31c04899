"""The end of every stage that changes an ONNX graph: one file, checked against its parent's signature."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgerund.build.graph.model import Model, write
from edgerund.build.graph.sessions import open_session
from edgerund.build.technique import Artifact, Context
from edgerund.errors import BuildError

FILE = "model.onnx"


def parent_of(parents: Sequence[Artifact], what: str) -> Artifact:
    """The one parent.

    Raises:
        BuildError: there is none, or it is not an ONNX file.
    """
    if not parents or parents[0].kind != "onnx":
        raise BuildError(f"cannot {what}: it works on an ONNX file; put a stage `export` before it")
    return parents[0]


def finish(
    context: Context, parent: Artifact, model: Model, facts: Mapping[str, Any], sentence: str
) -> Artifact:
    """Write ``model`` into the stage's folder and say what it is.

    Raises:
        BuildError: the result does not load, or has other inputs and outputs than its parent.
    """
    path = context.folder / FILE
    write(model, path)
    before = signature(parent.path)
    after = signature(path)
    if before != after:
        raise BuildError(
            f"cannot keep the inputs and outputs of {parent.path.name}: {before} became {after}"
        )
    sizes = {"file_bytes": path.stat().st_size, "parent_bytes": parent.path.stat().st_size}
    context.progress(1.0, sentence)
    return Artifact(path, "onnx", {**facts, **sizes}, (*parent.how, sentence))


def signature(path: Path) -> dict[str, list[tuple[str, str, tuple[Any, ...]]]]:
    """Inputs and outputs as onnxruntime sees them: name, dtype, sides (None where free)."""
    session = open_session(path, path.name)
    return {
        "inputs": [_value(v) for v in session.get_inputs()],
        "outputs": [(v.name, v.type, ()) for v in session.get_outputs()],
    }


def _value(value: Any) -> tuple[str, str, tuple[Any, ...]]:
    sides = tuple(side if isinstance(side, int) and side > 0 else None for side in value.shape)
    return (value.name, value.type, sides)


def zipped_bytes(path: Path) -> int:
    """What is left of the file in a zip (deflate, best): how much a transfer or an image of the system gains."""
    return len(zlib.compress(path.read_bytes(), 9))
