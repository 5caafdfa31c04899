"""LiteRT (TensorFlow Lite): ``.tflite`` files, with ai-edge-litert, or tflite-runtime where that is installed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.engines import SUFFIXES
from edgerund.engines.signature import InputCheck, batch_limit, check_options, one_line, option
from edgerund.errors import EngineError, PluginError
from edgerund.ports import Array, Engine, LoadOptions, Progress
from edgerund.types import IOSpec, TensorSpec

_PACKAGES = (("ai_edge_litert", "ai-edge-litert"), ("tflite_runtime", "tflite-runtime"))
_FAILURES = (RuntimeError, ValueError, TypeError, SystemError, MemoryError)
_OPTIONS = ("xnnpack", "max_batch")
_MAGIC = b"TFL3"


class LiteRtBackend:
    """Loads files with the LiteRT interpreter."""

    suffixes = SUFFIXES["litert"]

    def version(self) -> str:
        module, package = _installed()
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:  # a board's own build, outside pip
            return f"{package} {getattr(module, '__version__', '(version unknown)')}"

    def load(self, path: Path, options: LoadOptions, progress: Progress) -> Engine:
        module, _ = _installed()
        check_options("litert", options.extra, _OPTIONS)
        most = option(options.extra, "max_batch", int, 32)
        resolver = module.OpResolverType.AUTO
        if not option(options.extra, "xnnpack", bool, True):
            resolver = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        progress(0.0, f"LiteRT reads {path.name}")
        try:
            # read, not mapped: a file that is cut short while it serves must not raise SIGBUS
            content = path.read_bytes()
        except OSError as e:
            raise EngineError(f"cannot load {path.name}: {e.strerror}") from e
        if content[4:8] != _MAGIC:
            raise EngineError(f"cannot load {path.name}: it is no .tflite file")
        try:
            interpreter = module.Interpreter(
                model_content=content,
                num_threads=options.threads,
                experimental_op_resolver_type=resolver,
            )
            # XNNPACK packs the weights in here, and the binding holds the GIL meanwhile: about 1 to 3 ms per MB
            # of file in which no other thread answers (option xnnpack: false has no such pause)
            interpreter.allocate_tensors()
            engine = LiteRtEngine(interpreter, path.name, most)
        except _FAILURES as e:
            raise EngineError(f"cannot load {path.name}: {one_line(e)}") from e
        progress(1.0, f"{path.name} is loaded")
        return engine


class LiteRtEngine:
    """One interpreter."""

    def __init__(self, interpreter: Any, name: str, most: int) -> None:
        self._interpreter = interpreter
        self._name = name
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        self._inputs = [detail["index"] for detail in inputs]
        self._outputs = [detail["index"] for detail in outputs]
        self._shapes = [tuple(int(side) for side in detail["shape"]) for detail in inputs]
        specs = tuple(_spec(d, name) for d in inputs), tuple(_spec(d, name) for d in outputs)
        self._spec = IOSpec(*specs, max_batch=batch_limit(*specs, most))
        self._check = InputCheck(specs[0])

    @property
    def spec(self) -> IOSpec:
        return self._spec

    def infer(self, inputs: Sequence[Array]) -> list[Array]:
        interpreter = self._interpreter
        if interpreter is None:
            raise EngineError(f"cannot infer: {self._name} is closed")
        self._check(inputs)
        try:
            self._resize(inputs)
            for index, given in zip(self._inputs, inputs, strict=True):
                interpreter.set_tensor(index, given)
            interpreter.invoke()
            # get_tensor copies: the interpreter's own memory is written again by the next call
            return [interpreter.get_tensor(index) for index in self._outputs]
        except _FAILURES as e:
            raise EngineError(f"cannot infer with {self._name}: {one_line(e)}") from e

    def close(self) -> None:
        self._interpreter = None

    def _resize(self, inputs: Sequence[Array]) -> None:
        shapes = [given.shape for given in inputs]
        if shapes == self._shapes:
            return
        self._shapes = []  # unknown until all of it went well
        for index, shape in zip(self._inputs, shapes, strict=True):
            self._interpreter.resize_tensor_input(index, shape, strict=True)
        self._interpreter.allocate_tensors()
        self._shapes = shapes


def _installed() -> tuple[Any, str]:
    found = next((both for both in _PACKAGES if importlib.util.find_spec(both[0])), None)
    if found is None:
        raise PluginError(
            "cannot use the backend litert: ai-edge-litert is not installed; install edgerund[litert]"
        )
    module, package = found
    try:
        return importlib.import_module(f"{module}.interpreter"), package
    except ImportError as e:
        raise PluginError(f"cannot use the backend litert with {package}: {e}") from e


def _spec(detail: Any, name: str) -> TensorSpec:
    dtype = np.dtype(detail["dtype"])
    if dtype.kind not in "fiub":
        raise EngineError(
            f"cannot serve {name}: {detail['name']!r} is {dtype}, which is no tensor of numbers"
        )
    signature = detail.get("shape_signature", detail["shape"])
    if len(signature) != len(detail["shape"]):
        signature = detail["shape"]
    scale, zero_point = detail["quantization"]
    return TensorSpec(
        str(detail["name"]),
        dtype.name,
        tuple(int(side) if side > 0 else None for side in signature),
        float(scale) if scale else None,
        int(zero_point) if scale else None,
    )
