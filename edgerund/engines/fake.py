"""The shipped fake: a small JSON file that says what an engine looks like, how long it takes and how it fails.

For demos, for trying a policy without a model, and for every test that needs an engine which hangs or dies. The form
of a ``.fake`` file is in ``docs/fake.md``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.engines import SUFFIXES
from edgerund.engines.fake_answers import ANSWERS, Answer
from edgerund.engines.fake_file import KEYS, check_keys, read_fake, read_specs
from edgerund.engines.signature import InputCheck, batch_limit, check_options
from edgerund.errors import EngineError
from edgerund.ports import Array, Engine, LoadOptions, Progress
from edgerund.types import IOSpec

_MEGABYTE = 1024 * 1024


class FakeBackend:
    """Loads ``.fake`` files; needs nothing but numpy."""

    suffixes = SUFFIXES["fake"]

    def version(self) -> str:
        return "fake 1"

    def load(self, path: Path, options: LoadOptions, progress: Progress) -> Engine:
        check_options("fake", options.extra, KEYS)
        told = {**read_fake(path), **options.extra}
        check_keys(path.name, told)
        progress(0.0, f"fake reads {path.name}")
        if told.get("crash_load"):
            os.abort()
        if told.get("hang_load"):
            _hang()
        if "fail_load" in told:
            raise EngineError(f"cannot load {path.name}: {told['fail_load']}")
        _spend(told.get("load_ms", 0) / 1000, busy=bool(told.get("busy")))
        engine = FakeEngine(told, path.name)
        progress(1.0, f"{path.name} is loaded")
        return engine


class FakeEngine:
    """Answers deterministically, until the call at which it was told to fail."""

    def __init__(self, told: dict[str, Any], name: str) -> None:
        self._told = told
        self._name = name
        self._open = True
        self._calls = 0
        self._latency_s = told.get("latency_ms", 0) / 1000
        self._busy = bool(told.get("busy"))
        # written, not only reserved: the point is to take memory
        self._ballast: Array | None = np.ones(int(told.get("allocate_mb", 0) * _MEGABYTE), np.uint8)
        inputs = read_specs(name, "inputs", told.get("inputs"))
        outputs = read_specs(name, "outputs", told.get("outputs"))
        limit = batch_limit(inputs, outputs, told.get("max_batch", 32))
        self._spec = IOSpec(inputs, outputs, max_batch=limit)
        self._check = InputCheck(inputs)
        kind = told.get("answer", "hash")
        if kind not in ANSWERS:
            raise EngineError(
                f"cannot load {name}: answer {kind!r} is unknown; known are {', '.join(ANSWERS)}"
            )
        self._answer: Answer = ANSWERS[kind](outputs, told, name)

    @property
    def spec(self) -> IOSpec:
        return self._spec

    def infer(self, inputs: Sequence[Array]) -> list[Array]:
        if not self._open:
            raise EngineError(f"cannot infer: {self._name} is closed")
        self._check(inputs)
        self._calls += 1
        if self._due("crash_after"):
            os.abort()
        if self._due("hang_after"):
            _hang()
        if self._due("fail_after"):
            raise EngineError(
                f"cannot infer with {self._name}: call {self._calls} was told to fail"
            )
        started_s = time.perf_counter()
        outputs = self._answer(inputs)
        if self._due("nan_after"):
            outputs = [_spoil(output) for output in outputs]
        _spend(self._latency_s - (time.perf_counter() - started_s), self._busy)
        return outputs

    def close(self) -> None:
        self._open = False
        self._ballast = None

    def _due(self, key: str) -> bool:
        """Whether more calls than ``key`` allows have been made."""
        return key in self._told and self._calls > self._told[key]


def _spend(seconds: float, busy: bool) -> None:
    if not busy:
        time.sleep(max(0.0, seconds))
        return
    end_s = time.perf_counter() + seconds
    while time.perf_counter() < end_s:
        pass


def _hang() -> None:
    while True:
        time.sleep(3600)


def _spoil(output: Array) -> Array:
    if output.dtype.kind != "f":
        return output
    spoiled: Array = output.copy()
    spoiled.flat[0] = np.nan
    return spoiled
