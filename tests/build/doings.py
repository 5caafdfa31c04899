"""Techniques for tests of the engine: named in recipes as ``tests.build.doings:Begin`` and so on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from edgerund.build.technique import Artifact, Context, Kind
from edgerund.errors import BuildError

DEADLINE_S = 60.0


class NoParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextParams(NoParams):
    text: str = "begin"
    file: Path | None = None


class Begin:
    Params: ClassVar[type[BaseModel]] = TextParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = None
    gives: ClassVar[Kind] = "onnx"
    most_parents: ClassVar[int] = 0

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        path = context.folder / "model.onnx"
        path.write_text(params.text + (params.file.read_text() if params.file else ""))
        context.progress(0.5, "half")
        return Artifact(path, "onnx", {"length": len(params.text)}, ("begun",))


class BeginTorch(Begin):
    gives: ClassVar[Kind] = "torch"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        made = super().run(parents, params, context)
        return Artifact(made.path, "torch", made.facts, made.how)


class Taught(Begin):
    most_parents: ClassVar[int] = 1  # a teacher


class Append:
    Params: ClassVar[type[BaseModel]] = TextParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        path = context.folder / "model.onnx"
        path.write_text(parents[0].path.read_text() + "+" + params.text)
        return Artifact(path, "onnx", {}, (*parents[0].how, f"appended {params.text}"))


class Refuse(Append):
    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        (context.folder / "half").write_text("half")
        raise BuildError("cannot do that: it is not its day")


class Stumble(Append):
    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        raise ZeroDivisionError("a mistake\nof its own")


class Die(Append):
    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Elsewhere(Append):
    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        return parents[0]


class Fill(Append):
    """Writes more than a small disk holds."""

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        path = context.folder / "model.onnx"
        with path.open("wb") as out:
            for _ in range(64):
                out.write(bytes(1 << 20))
        return Artifact(path, "onnx")


class WaitParams(NoParams):
    place: str


class Wait:
    """Says ``started``, then waits for ``go``; its checkpoint is in scratch."""

    Params: ClassVar[type[BaseModel]] = WaitParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        place = Path(params.place)
        resumed = (context.scratch / "checkpoint").exists()
        assert not list(context.folder.iterdir())
        (context.folder / "half").write_text("half")
        (context.scratch / "checkpoint").write_text("so far")
        (place / "started").write_text(str(os.getpid()))
        end_s = time.monotonic() + DEADLINE_S
        while not (place / "go").exists():
            if time.monotonic() > end_s:
                raise BuildError("cannot wait any longer")
            time.sleep(0.01)
        (context.folder / "half").unlink()
        path = context.folder / "model.onnx"
        path.write_bytes(parents[0].path.read_bytes())
        return Artifact(path, "onnx", {"resumed": resumed}, parents[0].how)
