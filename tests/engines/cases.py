"""One tiny model per backend, with what it must answer: the contract suite runs over all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerund import registry
from edgerund.errors import PluginError
from edgerund.ports import Array, Backend, Engine, LoadOptions
from tests.engines import onnx_bytes, tflite_bytes

_random = np.random.default_rng(7)
WEIGHT = _random.normal(0, 0.2, (48, 10)).astype(np.float32)
BIAS = _random.normal(0, 0.5, 10).astype(np.float32)


@dataclass(frozen=True)
class Case:
    """``data`` makes the file's bytes, ``expected`` the real outputs for real inputs (``batch`` first).

    ``beside`` are further files that the first one names, ``needs`` the backends that run those.
    """

    name: str
    backend: str
    data: Callable[[], bytes]
    expected: Callable[[Array], Array]
    dtype: str = "float32"
    shape: tuple[int, ...] = (3, 4, 4)
    free_batch: bool = True
    tolerance: float = 1e-5
    options: Mapping[str, object] = field(default_factory=dict)
    beside: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


def _linear(inputs: Array) -> Array:
    return inputs.reshape(len(inputs), -1).astype(np.float32) @ WEIGHT + BIAS


def _quantised_linear(stored: Array) -> Array:
    return _linear((stored.astype(np.float32) + 128) * tflite_bytes.INPUT_SCALE)


def _fake(**told: Any) -> bytes:
    shape = {"inputs": [{"name": "image", "shape": [-1, 3, 4, 4]}]}
    outputs = {"outputs": [{"name": "scores", "shape": [-1, 48]}]}
    return json.dumps({**shape, **outputs, **told}).encode()


def _doubled(inputs: Array) -> Array:
    return inputs.reshape(len(inputs), -1) * 2


def _cascade(at_least: float, cheap: str, best: str) -> bytes:
    accept = {"kind": "margin", "at_least": at_least}
    return json.dumps({"members": [{"file": cheap, "accept": accept}, {"file": best}]}).encode()


def _doubled_where_sure(inputs: Array) -> Array:
    doubled = _doubled(inputs)
    last_two = np.sort(doubled, axis=1)[:, -2:]
    sure = last_two[:, 1] - last_two[:, 0] >= 0.03
    return np.where(sure[:, None], doubled, doubled * -1.5)


def _linear_by_margin(inputs: Array) -> Array:
    cheap = _linear(inputs)
    last_two = np.sort(cheap, axis=1)[:, -2:]
    sure = last_two[:, 1] - last_two[:, 0] >= 0.4
    return np.where(sure[:, None], cheap, inputs.reshape(len(inputs), -1) @ -WEIGHT + BIAS)


CASES = [
    Case("onnx", "onnxruntime", lambda: onnx_bytes.linear(WEIGHT, BIAS), _linear),
    Case(
        "onnx one frame",
        "onnxruntime",
        lambda: onnx_bytes.linear(WEIGHT, BIAS, batch=1),
        _linear,
        free_batch=False,
    ),
    Case(
        "onnx old style",
        "onnxruntime",
        lambda: onnx_bytes.old_style_linear(WEIGHT, BIAS),
        _linear,
        free_batch=False,
    ),
    Case(
        "tflite float",
        "litert",
        lambda: tflite_bytes.linear(WEIGHT, BIAS),
        _linear,
        shape=(4, 4, 3),
    ),
    Case(
        "tflite int8",
        "litert",
        lambda: tflite_bytes.linear(WEIGHT, BIAS, quantised=True, free_batch=False),
        _quantised_linear,
        dtype="int8",
        shape=(4, 4, 3),
        free_batch=False,
        tolerance=tflite_bytes.OUTPUT_SCALE,
    ),
    Case(
        "tflite without xnnpack",
        "litert",
        lambda: tflite_bytes.linear(WEIGHT, BIAS),
        _linear,
        shape=(4, 4, 3),
        options={"xnnpack": False},
    ),
    Case(
        "cascade",
        "cascade",
        lambda: _cascade(0.03, "cheap.fake", "best.fake"),
        _doubled_where_sure,
        beside={
            "cheap.fake": lambda: _fake(answer="scale", factor=2),
            "best.fake": lambda: _fake(answer="scale", factor=-3),
        },
    ),
    Case(
        "cascade of onnx, one frame",
        "cascade",
        lambda: _cascade(0.4, "cheap.onnx", "best.onnx"),
        _linear_by_margin,
        free_batch=False,
        beside={
            "cheap.onnx": lambda: onnx_bytes.linear(WEIGHT, BIAS, batch=1),
            "best.onnx": lambda: onnx_bytes.linear(-WEIGHT, BIAS, batch=1),
        },
        needs=("onnxruntime",),
    ),
    Case("fake", "fake", lambda: _fake(answer="scale", factor=2), _doubled),
]


def backend_of(case: Case) -> Backend:
    """The backend of a case; skips where its library is not installed."""
    backend: Backend = registry.resolve("engines", case.backend)()
    try:
        backend.version()
        for name in case.needs:
            registry.resolve("engines", name)().version()
    except PluginError as e:
        pytest.skip(str(e))
    return backend


def write(case: Case, folder: Path) -> Path:
    path = folder / f"model{backend_of(case).suffixes[0]}"
    path.write_bytes(case.data())
    for name, data in case.beside.items():
        (folder / name).write_bytes(data())
    return path


def load(case: Case, path: Path, threads: int = 1) -> Engine:
    options = LoadOptions(threads=threads, extra=case.options)
    return backend_of(case).load(path, options, lambda _share, _text: None)


def some_input(case: Case, seed: int = 0, batch: int = 1) -> Array:
    random = np.random.default_rng(seed)
    shape = (batch, *case.shape)
    if case.dtype == "int8":
        return random.integers(-128, 128, shape, dtype=np.int8)
    return random.random(shape, dtype=np.float32)


def real(engine: Engine, output: Array) -> Array:
    """The real values of a stored output."""
    spec = engine.spec.outputs[0]
    if spec.scale is None:
        return output
    return (output.astype(np.float32) - (spec.zero_point or 0)) * spec.scale
