"""A cascade: a cheap model answers, and a frame of which it is not sure goes on to a better one.

The form of a ``.cascade`` file, and how to choose its thresholds, are in ``docs/cascade.md``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from edgerund.checksum import file_sha256
from edgerund.engines import SUFFIXES
from edgerund.engines.cascade_file import Member, read_cascade, with_thresholds
from edgerund.engines.cascade_rule import Doubt, agree, as_declared
from edgerund.engines.signature import InputCheck, check_options, fits, one_line
from edgerund.errors import EngineError, PluginError
from edgerund.ports import Array, Backend, Engine, LoadOptions, Progress
from edgerund.registry import resolve
from edgerund.types import IOSpec

_OPTIONS = ("at_least",)
_MAX_MADE_UP = 1 << 27


class CascadeBackend:
    """Loads ``.cascade`` files; each member with its own backend."""

    suffixes = SUFFIXES["cascade"]

    def version(self) -> str:
        return "cascade 1"

    def load(self, path: Path, options: LoadOptions, progress: Progress) -> Engine:
        check_options("cascade", options.extra, _OPTIONS)
        members = read_cascade(path)
        if "at_least" in options.extra:
            members = with_thresholds(members, options.extra["at_least"])
        with ExitStack() as opened:
            engines: list[Engine] = []
            try:
                for i, member in enumerate(members):
                    part = _part(progress, i, len(members))
                    engines.append(_load(path.resolve().parent, member, options, part))
                    opened.callback(engines[-1].close)
                engine = CascadeEngine(path.name, members, engines)
                engine.warm()
            except (EngineError, PluginError) as e:
                raise EngineError(f"cannot load {path.name}: {one_line(e)}") from e
            opened.pop_all()
        progress(1.0, f"{path.name} is loaded")
        return engine


class CascadeEngine:
    """Members that share one signature, asked in turn until one is sure."""

    def __init__(self, name: str, members: Sequence[Member], engines: Sequence[Engine]) -> None:
        self._name = name
        self._names = [member.file for member in members]
        self._engines: Sequence[Engine] = tuple(engines)
        self._own = [engine.spec.outputs for engine in engines]
        self._spec = agree(self._names, [engine.spec for engine in engines])
        self._check = InputCheck(self._spec.inputs)
        rules = [member.accept for member in members]
        self._doubts = [Doubt(rule, self._spec.outputs) for rule in rules if rule]
        tensors = self._spec.inputs + self._spec.outputs
        self._batched = all(t.shape and t.shape[0] is None for t in tensors)
        self._frames = 0
        self._escalated = [0] * len(self._doubts)

    @property
    def spec(self) -> IOSpec:
        return self._spec

    def infer(self, inputs: Sequence[Array]) -> list[Array]:
        if not self._engines:
            raise EngineError(f"cannot infer: {self._name} is closed")
        self._check(inputs)
        frames = len(inputs[0]) if self._batched else 1
        self._frames += frames
        answers = latest = self._run(0, inputs)
        asked: Array = np.arange(frames)
        for step, doubt in enumerate(self._doubts):
            doubtful = doubt(latest, len(asked))
            if not doubtful.size:
                break
            self._escalated[step] += doubtful.size
            if doubtful.size < len(asked):
                inputs = [given[doubtful] for given in inputs]
                asked = asked[doubtful]
            latest = self._run(step + 1, inputs)
            if len(asked) == frames:
                answers = latest
                continue
            for answer, better in zip(answers, latest, strict=True):
                answer[asked] = better
        return answers

    def counters(self) -> Mapping[str, int]:
        """Frames asked about so far, and how many of them reached member 1, member 2 and so on."""
        reached = {f"escalated_{i}": count for i, count in enumerate(self._escalated, start=1)}
        return {"frames": self._frames, **reached}

    def warm(self) -> None:
        """Ask every member once: a frame that escalates must be the first neither to allocate nor to fail.

        Raises:
            EngineError: a member fails, or answers in another form than it declares.
        """
        if any(None in tensor.shape[1:] for tensor in self._spec.inputs):
            return  # nobody knows yet what its inputs look like
        shapes = [[side or 1 for side in tensor.shape] for tensor in self._spec.inputs]
        if max(map(math.prod, shapes)) > _MAX_MADE_UP:
            raise EngineError(f"an input of shape {shapes[0]} is beyond reason")
        inputs = [
            np.zeros(shape, tensor.dtype)
            for shape, tensor in zip(shapes, self._spec.inputs, strict=True)
        ]
        for number in range(len(self._engines)):
            self._run(number, inputs)

    def close(self) -> None:
        with ExitStack() as every:
            for engine in self._engines:
                every.callback(engine.close)
        self._engines = ()

    def _run(self, number: int, inputs: Sequence[Array]) -> list[Array]:
        try:
            outputs = self._engines[number].infer(inputs)
        except EngineError as e:
            raise EngineError(f"cannot infer with {self._name}: {one_line(e)}") from e
        declared = self._spec.outputs
        frames = len(inputs[0]) if self._batched else None
        if len(outputs) != len(declared) or not all(
            fits(output.shape, (frames, *tensor.shape[1:]) if frames else tensor.shape)
            for output, tensor in zip(outputs, declared, strict=True)
        ):
            raise EngineError(
                f"cannot infer with {self._name}: the outputs of {self._names[number]} have shapes "
                f"{[list(output.shape) for output in outputs]}, which is not what it declared"
            )
        return [
            as_declared(output, own, shared)
            for output, own, shared in zip(outputs, self._own[number], declared, strict=True)
        ]


def _load(folder: Path, member: Member, options: LoadOptions, progress: Progress) -> Engine:
    path = _inside(folder, member.file)
    if member.sha256 is not None:
        try:
            found = file_sha256(path)
        except OSError as e:
            raise EngineError(f"cannot read {member.file}: {e.strerror}") from e
        if found != member.sha256:
            raise EngineError(
                f"the sha256 of {member.file} is {found[:12]}..., the cascade says "
                f"{member.sha256[:12]}...: the file is damaged or was replaced"
            )
    backend: Backend = resolve("engines", member.backend)()
    own = LoadOptions(options.threads, options.cache_dir, member.options)
    return backend.load(path, own, progress)


def _inside(folder: Path, name: str) -> Path:
    """The member's file: the ladder's folder holds all of a ladder, so nothing outside it is ever read."""
    try:
        path = (folder / name).resolve()
        there = path.is_file()
    except (OSError, ValueError, RuntimeError) as e:
        raise EngineError(f"cannot use {name!r} as a file name: {e}") from e
    if not path.is_relative_to(folder):
        raise EngineError(f"the member {name!r} lies outside the cascade's folder")
    if not there:
        raise EngineError(f"there is no file {name!r} beside it")
    return path


def _part(progress: Progress, number: int, count: int) -> Progress:
    return lambda share, text: progress((number + share) / count, text)
