"""The golden question: a known input, and what a variant must answer to it before (and while) it serves."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.errors import EngineError, RequestError
from edgerund.ports import Array, Engine, Geometry, Incoming, Pipeline
from edgerund.types import IOSpec, LadderPlan, TensorSpec, VariantPlan

_MAX_UNPACKED_BYTES = 512 * 1024 * 1024
_MAX_MADE_UP = 1 << 27
_FAULTS = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class Golden:
    """The content of a golden file: one ``frame`` or raw ``inputs``, and the outputs of each variant."""

    frame: Array | None = None
    inputs: tuple[Array, ...] = ()
    expected: Mapping[str, tuple[Array, ...]] = field(default_factory=dict)


def read_golden(path: Path) -> Golden:
    """Read an ``.npz``; nothing in it is ever executed.

    Raises:
        EngineError: unreadable, no ``.npz``, unpacks to more than 512 MiB, or not of the form in docs/ladder.md.
    """
    try:
        with zipfile.ZipFile(path) as file:
            if sum(item.file_size for item in file.infolist()) > _MAX_UNPACKED_BYTES:
                raise EngineError(f"cannot use {path.name}: it unpacks to more than 512 MiB")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: np.ascontiguousarray(stored[name]) for name in stored.files}
    except _FAULTS as e:
        raise EngineError(f"cannot read the golden file {path.name}: {e}") from e
    frame = arrays.pop("frame", None)
    if frame is not None and (frame.dtype != np.uint8 or frame.ndim not in (2, 3)):
        raise EngineError(f"cannot use {path.name}: frame must be uint8, height x width x channels")
    endless = [
        n for n, a in arrays.items() if a.dtype.kind not in "fiub" or not np.isfinite(a).all()
    ]
    if endless:
        raise EngineError(f"cannot use {path.name}: {endless[0]!r} holds more than finite numbers")
    groups: dict[str, tuple[Array, ...]] = {}
    for prefix in dict.fromkeys(name.rpartition(".")[0] for name in arrays):
        group = _numbered(arrays, prefix)
        if group is None:
            raise EngineError(
                f"cannot use {path.name}: {prefix!r} is not numbered from 0 without gaps"
            )
        groups[prefix] = group
    inputs = groups.pop("input", ())
    if (frame is None) == (not inputs):
        raise EngineError(f"cannot use {path.name}: it needs either frame or input.0, input.1 ...")
    return Golden(frame, inputs, groups)


def write_golden(file: Path, golden: Golden, answers: Mapping[str, Sequence[Array]]) -> None:
    """Write the question and what each variant answers, at once: a daemon sees the old file or the new one."""
    arrays = {f"{name}.{i}": a for name, outputs in answers.items() for i, a in enumerate(outputs)}
    arrays |= {f"input.{i}": a for i, a in enumerate(golden.inputs)}
    if golden.frame is not None:
        arrays["frame"] = golden.frame
    fresh = file.with_name(file.name + ".new")
    save: Any = np.savez_compressed
    with fresh.open("wb") as out:
        save(out, **arrays)
    fresh.replace(file)


def check_golden(
    plan: LadderPlan, variant: VariantPlan, engine: Engine, pipeline: Pipeline
) -> str | None:
    """Ask ``engine`` the golden question.

    Without a golden file the question is a deterministic frame (or raw input); then, as for a variant that the
    file has no outputs of, the answer must be finite, of the declared shape, and readable by the task.

    Returns:
        None if the answer is right, else one sentence that says what is wrong. An engine with free sides
        other than the batch cannot be asked without a file, and passes.
    """
    try:
        golden = (
            read_golden(Path(plan.golden.file)) if plan.golden else made_up(variant, engine.spec)
        )
        if golden is None:
            return None
        outputs = ask(golden, engine, pipeline)
    except (EngineError, RequestError) as e:
        return str(e)
    expected = golden.expected.get(variant.name)
    if plan.golden is None or expected is None:
        return None
    return compare(outputs, expected, engine.spec.outputs, plan.golden.tolerance)


def ask(golden: Golden, engine: Engine, pipeline: Pipeline) -> list[Array]:
    """The raw outputs for the golden input; the task must be able to read them.

    Raises:
        EngineError: the engine failed, or its outputs are not finite or not of the declared shape. RequestError:
            the pipeline cannot take the input, or cannot read the outputs.
    """
    geometry: Geometry | None = None
    inputs = list(golden.inputs)
    if golden.frame is not None:
        inputs, geometry = pipeline.prepare(Incoming(arrays=(golden.frame,)))
    outputs = engine.infer(inputs)
    if wrong := _malformed(outputs, engine.spec):
        raise EngineError(wrong)
    if geometry is not None:
        pipeline.finish(outputs, geometry)
    return outputs


def compare(
    outputs: Sequence[Array],
    expected: Sequence[Array],
    specs: Sequence[TensorSpec],
    tolerance: float,
) -> str | None:
    """None if every output lies within ``tolerance`` (relative L2 error of the real values), else why not."""
    if len(outputs) != len(expected):
        return f"cannot compare {len(outputs)} outputs: the golden file has {len(expected)}"
    for spec, got, want in zip(specs, outputs, expected, strict=True):
        if got.shape != want.shape:
            return (
                f"cannot compare output {spec.name!r}: it has shape {list(got.shape)}, "
                f"the golden one {list(want.shape)}"
            )
        error = relative_error(_real(got, spec), _real(want, spec))
        if not error <= tolerance:
            return (
                f"cannot trust output {spec.name!r}: it is {error:.3g} off the golden one, "
                f"{tolerance:g} is allowed"
            )
    return None


def relative_error(got: Array, want: Array) -> float:
    """|got - want| / |want| in L2; infinite where ``want`` is all zero and ``got`` is not."""
    distance = float(np.linalg.norm(got - want))
    size = float(np.linalg.norm(want))
    if distance == 0.0:
        return 0.0
    return distance / size if size > 0 else float("inf")


def made_up(variant: VariantPlan, spec: IOSpec) -> Golden | None:
    """A deterministic input for a variant without a golden file; None where the engine's shape is too free.

    Raises:
        EngineError: the file claims an input of more than 2^27 numbers.
    """
    if variant.input is not None:
        return Golden(frame=made_up_frame())
    if any(None in tensor.shape[1:] for tensor in spec.inputs):
        return None
    random = np.random.default_rng(0)
    inputs = []
    for tensor in spec.inputs:
        shape = [side or 1 for side in tensor.shape]
        if math.prod(shape) > _MAX_MADE_UP:
            raise EngineError(
                f"cannot make up input {tensor.name!r}: its shape {shape} is beyond reason"
            )
        # integers may be indices of something small: zero is the one that always exists
        kind = np.dtype(tensor.dtype).kind
        values = random.random(shape) if kind == "f" else np.zeros(shape)
        inputs.append(values.astype(tensor.dtype))
    return Golden(inputs=tuple(inputs))


def made_up_frame() -> Array:
    """120 x 160 pixels, RGB: a gradient under noise, so that no channel and no corner is like another."""
    y, x = np.mgrid[0:120, 0:160]
    gradient = np.stack([x * 1.5, y * 2.0, 255 - x - 0.5 * y], axis=-1)
    noise = np.random.default_rng(0).normal(0, 20, gradient.shape)
    return np.clip(gradient + noise, 0, 255).astype(np.uint8)


def _numbered(arrays: Mapping[str, Array], prefix: str) -> tuple[Array, ...] | None:
    count = sum(1 for name in arrays if name.rpartition(".")[0] == prefix)
    names = [f"{prefix}.{i}" for i in range(count)]
    if not prefix or any(name not in arrays for name in names):
        return None
    return tuple(arrays[name] for name in names)


def _malformed(outputs: Sequence[Array], spec: IOSpec) -> str | None:
    if len(outputs) != len(spec.outputs):
        return f"cannot use {len(outputs)} outputs: {len(spec.outputs)} are declared"
    for tensor, output in zip(spec.outputs, outputs, strict=True):
        declared = tensor.shape
        if len(output.shape) != len(declared) or any(
            want is not None and side != want
            for side, want in zip(output.shape, declared, strict=True)
        ):
            return f"cannot use output {tensor.name!r}: shape {list(output.shape)}, declared {list(declared)}"
        if output.dtype.kind == "f" and not np.isfinite(output).all():
            return f"cannot use output {tensor.name!r}: it holds NaN or infinity"
    return None


def _real(stored: Array, spec: TensorSpec) -> Array:
    real = stored.astype(np.float64)
    return (real - (spec.zero_point or 0)) * spec.scale if spec.scale else real
