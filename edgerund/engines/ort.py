"""ONNX Runtime: ``.onnx`` and ``.ort`` files on the CPU, or on the providers that a variant names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgerund.engines import SUFFIXES
from edgerund.engines.signature import InputCheck, batch_limit, check_options, one_line, option
from edgerund.engines.trim import trim
from edgerund.errors import EngineError, PluginError
from edgerund.ports import Array, Engine, LoadOptions, Progress
from edgerund.types import IOSpec, TensorSpec

# Read when the library is imported: without it, 1.29 and later open a database and look up a host.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

_CPU = "CPUExecutionProvider"
_SILENT = 4  # fatal only: every error comes back as an exception, and is told once by whoever asked
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(uint16)": "uint16",
    "tensor(int16)": "int16",
    "tensor(uint32)": "uint32",
    "tensor(int32)": "int32",
    "tensor(uint64)": "uint64",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
_LEVELS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "none": "ORT_DISABLE_ALL",
}
_OPTIONS = ("providers", "provider_options", "optimisation", "session", "max_batch")


class OrtBackend:
    """Loads files with the onnxruntime package."""

    suffixes = SUFFIXES["onnxruntime"]

    def version(self) -> str:
        return f"onnxruntime {_library().__version__}"

    def load(self, path: Path, options: LoadOptions, progress: Progress) -> Engine:
        ort = _library()
        extra = options.extra
        check_options("onnxruntime", extra, _OPTIONS)
        providers = option(extra, "providers", list, [_CPU])
        missing = [str(p) for p in providers if p not in ort.get_available_providers()]
        if missing or not providers:
            raise EngineError(
                f"cannot load {path.name}: provider {', '.join(missing) or '(none)'} is not in this "
                f"onnxruntime; it has {', '.join(ort.get_available_providers())}"
            )
        settings = option(extra, "provider_options", list, [{} for _ in providers])
        if len(settings) != len(providers) or not all(isinstance(each, dict) for each in settings):
            raise EngineError(
                f"cannot load {path.name}: provider_options must hold one mapping per provider"
            )
        progress(0.0, f"onnxruntime reads {path.name}")
        try:
            session = ort.InferenceSession(
                str(path),
                sess_options=_session_options(ort, options),
                providers=providers,
                provider_options=settings,
                enable_fallback=0,  # versions that do not know it yet are caught by the next check
            )
        except _failures(ort) as e:
            raise EngineError(f"cannot load {path.name}: {one_line(e)}") from e
        took = session.get_providers()
        if took[: len(providers)] != providers:
            raise EngineError(
                f"cannot load {path.name}: asked for {', '.join(providers)}, "
                f"but onnxruntime took {', '.join(took)}"
            )
        most = option(extra, "max_batch", int, 32)
        try:
            engine = OrtEngine(session, _failures(ort), path.name, most, _run(ort))
        except UnicodeDecodeError as e:
            raise EngineError(f"cannot load {path.name}: a name in it is no UTF-8") from e
        trim()  # constants that were computed while loading, each in a copy of its own
        progress(1.0, f"{path.name} is loaded")
        return engine


class OrtEngine:
    """One session."""

    def __init__(
        self,
        session: Any,
        failures: tuple[type[Exception], ...],
        name: str,
        most: int,
        run_options: Any,
    ) -> None:
        self._session = session
        self._failures = failures
        self._name = name
        self._run_options = run_options
        inputs = _specs(session.get_inputs(), name)
        outputs = _specs(session.get_outputs(), name)
        self._spec = IOSpec(inputs, outputs, max_batch=batch_limit(inputs, outputs, most))
        self._check = InputCheck(inputs)
        self._input_names = [spec.name for spec in inputs]
        self._output_names = [spec.name for spec in outputs]

    @property
    def spec(self) -> IOSpec:
        return self._spec

    def infer(self, inputs: Sequence[Array]) -> list[Array]:
        session = self._session
        if session is None:
            raise EngineError(f"cannot infer: {self._name} is closed")
        self._check(inputs)
        feed = dict(zip(self._input_names, inputs, strict=True))
        try:
            outputs: list[Array] = session.run(self._output_names, feed, self._run_options)
        except self._failures as e:
            raise EngineError(f"cannot infer with {self._name}: {one_line(e)}") from e
        return outputs

    def close(self) -> None:
        self._session = None


def _library() -> Any:
    try:
        import onnxruntime
    except ImportError as e:
        raise PluginError(
            f"cannot use the backend onnxruntime: {e}; install edgerund[ort], or NVIDIA's own build on a Jetson"
        ) from e
    return onnxruntime


def _failures(ort: Any) -> tuple[type[Exception], ...]:
    # its exceptions have no common base of their own, and their set differs between versions
    state = ort.capi.onnxruntime_pybind11_state
    own = [v for v in vars(state).values() if isinstance(v, type) and issubclass(v, Exception)]
    return (*own, RuntimeError, ValueError, TypeError, MemoryError)


def _session_options(ort: Any, options: LoadOptions) -> Any:
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    settings.log_severity_level = _SILENT
    level = option(options.extra, "optimisation", str, "all")
    if level not in _LEVELS:
        raise EngineError(
            f"cannot load: option 'optimisation' knows {', '.join(_LEVELS)}, not {level!r}"
        )
    settings.graph_optimization_level = getattr(ort.GraphOptimizationLevel, _LEVELS[level])
    # a spinning thread takes the core of whoever else is busy, and burns the battery when nobody is
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.add_session_config_entry("session.inter_op.allow_spinning", "0")
    for key, value in option(options.extra, "session", dict, {}).items():
        settings.add_session_config_entry(str(key), str(value))
    return settings


def _run(ort: Any) -> Any:
    settings = ort.RunOptions()
    settings.log_severity_level = _SILENT
    return settings


def _specs(values: Sequence[Any], name: str) -> tuple[TensorSpec, ...]:
    specs = []
    for value in values:
        if value.type not in _DTYPES:
            raise EngineError(
                f"cannot serve {name}: {value.name!r} is a {value.type}, which is no tensor of numbers"
            )
        shape = tuple(side if isinstance(side, int) and side > 0 else None for side in value.shape)
        specs.append(TensorSpec(value.name, _DTYPES[value.type], shape))
    return tuple(specs)
