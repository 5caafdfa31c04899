"""What the members of a cascade must have in common, and how sure one of their answers is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgerund.engines.cascade_file import Rule
from edgerund.engines.signature import shape_text
from edgerund.errors import EngineError
from edgerund.ports import Array
from edgerund.types import IOSpec, TensorSpec

Floats = NDArray[np.float64]
Shape = tuple[int | None, ...]


# ------------------------------------------------------------------ one signature
def agree(names: Sequence[str], specs: Sequence[IOSpec]) -> IOSpec:
    """The signature that all members share, with the tensor names of the last one.

    Inputs must be the same to the last bit of their quantisation, since one input goes to all. Outputs that differ
    in their quantisation alone become float32; a side that one member leaves free is as long as the others say.

    Raises:
        EngineError: the first tensor in which two members differ.
    """
    inputs = tuple(
        _same_input(names, tensors)
        for tensors in _columns(names, "inputs", specs, lambda s: s.inputs)
    )
    outputs = tuple(
        _same_output(names, tensors)
        for tensors in _columns(names, "outputs", specs, lambda s: s.outputs)
    )
    free = all(tensor.shape and tensor.shape[0] is None for tensor in (*inputs, *outputs))
    return IOSpec(inputs, outputs, max_batch=min(s.max_batch for s in specs) if free else 1)


def _columns(
    names: Sequence[str],
    what: str,
    specs: Sequence[IOSpec],
    side: Callable[[IOSpec], tuple[TensorSpec, ...]],
) -> list[tuple[TensorSpec, ...]]:
    rows = [side(spec) for spec in specs]
    for name, row in zip(names, rows, strict=True):
        if len(row) != len(rows[-1]):
            raise EngineError(f"{name} has {len(row)} {what}, {names[-1]} has {len(rows[-1])}")
    return list(zip(*rows, strict=True))


def _same_input(names: Sequence[str], tensors: Sequence[TensorSpec]) -> TensorSpec:
    for name, tensor in zip(names, tensors, strict=True):
        if _stored(tensor) != _stored(tensors[-1]):
            raise EngineError(
                f"{name} takes {_text(tensor)} as input {tensor.name!r}, "
                f"{names[-1]} takes {_text(tensors[-1])}"
            )
    return replace(tensors[-1], shape=_same_shape(names, tensors))


def _same_output(names: Sequence[str], tensors: Sequence[TensorSpec]) -> TensorSpec:
    shape = _same_shape(names, tensors)
    if all(_stored(tensor) == _stored(tensors[-1]) for tensor in tensors):
        return replace(tensors[-1], shape=shape)
    for name, tensor in zip(names, tensors, strict=True):
        if tensor.scale is None and tensor.dtype not in ("float32", "float16"):
            raise EngineError(
                f"output {tensor.name!r} of {name} is {_text(tensor)}, that of {names[-1]} is "
                f"{_text(tensors[-1])}: no common real values"
            )
    return TensorSpec(tensors[-1].name, "float32", shape)


def _same_shape(names: Sequence[str], tensors: Sequence[TensorSpec]) -> Shape:
    shape = tensors[-1].shape
    for name, tensor in zip(names, tensors, strict=True):
        pairs = list(zip(shape, tensor.shape, strict=False))
        if len(shape) != len(tensor.shape) or any(a != b for a, b in pairs if None not in (a, b)):
            raise EngineError(
                f"{tensor.name!r} of {name} has shape {shape_text(tensor.shape)}, "
                f"that of {names[-1]} {shape_text(tensors[-1].shape)}"
            )
        shape = tuple(b if a is None else a for a, b in pairs)
    return shape


def _stored(tensor: TensorSpec) -> tuple[str, float | None, int | None]:
    return tensor.dtype, tensor.scale, tensor.zero_point


def _text(tensor: TensorSpec) -> str:
    if tensor.scale is None:
        return tensor.dtype
    return f"{tensor.dtype} (scale {tensor.scale:g}, zero point {tensor.zero_point})"


def as_declared(stored: Array, own: TensorSpec, shared: TensorSpec) -> Array:
    """A member's output in the form of the shared signature: as it is, or float32 real values."""
    if _stored(own) == _stored(shared):
        return stored
    return _real(stored, own, np.dtype(np.float32))


def _real(stored: Array, tensor: TensorSpec, dtype: np.dtype[np.floating]) -> Array:
    real: Array = stored.astype(dtype)
    if tensor.scale is not None:
        real -= dtype.type(tensor.zero_point or 0)
        real *= dtype.type(tensor.scale)
    return real


# ------------------------------------------------------------------ how sure
def softmax(rows: Floats) -> Floats:
    """The greatest of ``exp(x) / sum(exp(x))`` of each row."""
    confidence: Floats = 1 / np.exp(rows - rows.max(axis=1, keepdims=True)).sum(axis=1)
    return confidence


def probability(rows: Floats) -> Floats:
    """The greatest value of each row."""
    confidence: Floats = rows.max(axis=1)
    return confidence


def margin(rows: Floats) -> Floats:
    """The greatest value of each row minus the second greatest."""
    last_two = np.partition(rows, -2, axis=1)[:, -2:]
    return last_two[:, 1] - last_two[:, 0]


CONFIDENCE: Mapping[str, Callable[[Floats], Floats]] = {
    "softmax": softmax,
    "probability": probability,
    "margin": margin,
}


class Doubt:
    """Applies one rule to outputs of the shared signature."""

    def __init__(self, rule: Rule, outputs: Sequence[TensorSpec]) -> None:
        if rule.output >= len(outputs):
            raise EngineError(f"accept asks for output {rule.output}, there are {len(outputs)}")
        tensor = outputs[rule.output]
        if tensor.scale is None and np.dtype(tensor.dtype).kind != "f":
            raise EngineError(
                f"accept asks for output {tensor.name!r}, which is {tensor.dtype} without a scale: "
                "no confidence can be read from it"
            )
        self._rule = rule
        self._tensor = tensor
        self._confidence = CONFIDENCE[rule.kind]

    def __call__(self, outputs: Sequence[Array], frames: int) -> NDArray[np.intp]:
        """The numbers of the frames whose answer is not good enough.

        An answer with a value that is not finite, or with fewer than two classes to compare, is never good enough.
        """
        output = outputs[self._rule.output]
        rows: Floats = _real(output, self._tensor, np.dtype(np.float64)).reshape(frames, -1)
        if rows.shape[1] < (1 if self._rule.kind == "probability" else 2):
            return np.arange(frames)
        finite: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(rows), axis=1)
        if not finite.all():
            rows = np.where(finite[:, None], rows, 0.0)
        with np.errstate(over="ignore"):
            sure = self._confidence(rows) >= self._rule.at_least
        doubtful: NDArray[np.intp] = np.flatnonzero(~(sure & finite))
        return doubtful
