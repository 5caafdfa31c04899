"""What the fake engine answers: deterministic functions of its inputs, one class each."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from edgerund.errors import EngineError
from edgerund.ports import Array
from edgerund.types import TensorSpec

Answer: TypeAlias = Callable[[Sequence[Array]], list[Array]]


class Hash:
    """Noise that depends on every byte of the inputs and on ``seed``: two variants never answer alike."""

    def __init__(self, outputs: Sequence[TensorSpec], told: Mapping[str, Any], name: str) -> None:
        del name
        self._outputs = tuple(outputs)
        self._seed = int(told.get("seed", 0)) & 0xFFFFFFFF

    def __call__(self, inputs: Sequence[Array]) -> list[Array]:
        frames = _frames(inputs)
        return [
            np.stack([self._one(spec, i, [g[f] for g in inputs]) for f in range(frames)])
            if spec.shape and spec.shape[0] is None
            else self._one(spec, i, inputs)
            for i, spec in enumerate(self._outputs)
        ]

    def _one(self, spec: TensorSpec, index: int, inputs: Sequence[Array]) -> Array:
        key = self._seed + index
        for given in inputs:
            key = zlib.crc32(np.ascontiguousarray(given).data, key & 0xFFFFFFFF)
        shape = spec.shape[1:] if spec.shape and spec.shape[0] is None else spec.shape
        noise = np.random.default_rng(key).standard_normal([side or 1 for side in shape])
        return _cast(noise * (32 if np.dtype(spec.dtype).kind in "iu" else 1), spec)


class OneHot(Hash):
    """The same for every output row, but one class stands out: the CRC-32 of the input decides which."""

    def _one(self, spec: TensorSpec, index: int, inputs: Sequence[Array]) -> Array:
        noise = super()._one(spec, index, inputs)
        if noise.ndim == 0:
            return noise
        rows = np.zeros_like(noise)
        np.put_along_axis(rows, noise.argmax(-1, keepdims=True), 10, axis=-1)
        return rows


class Scale:
    """Each output is ``factor`` times an input, repeated or cut to the output's shape."""

    def __init__(self, outputs: Sequence[TensorSpec], told: Mapping[str, Any], name: str) -> None:
        del name
        self._outputs = tuple(outputs)
        self._factor = float(told.get("factor", 1))

    def __call__(self, inputs: Sequence[Array]) -> list[Array]:
        outputs = []
        for i, spec in enumerate(self._outputs):
            given = inputs[min(i, len(inputs) - 1)].astype(np.float64) * self._factor
            outputs.append(_cast(np.resize(given, _shape(spec, inputs)), spec))
        return outputs


class Values:
    """Always the same: ``values`` holds one list per output, repeated for every frame of a batch."""

    def __init__(self, outputs: Sequence[TensorSpec], told: Mapping[str, Any], name: str) -> None:
        values = told.get("values", [])
        if len(values) != len(outputs):
            raise EngineError(f"cannot load {name}: values must hold one list per output")
        self._outputs = tuple(outputs)
        self._values: list[Array] = []
        for i, (spec, value) in enumerate(zip(outputs, values, strict=True)):
            try:
                flat = np.asarray(value, np.float64).ravel()
            except (ValueError, TypeError) as e:
                raise EngineError(f"cannot load {name}: values[{i}] is wrong: {e}") from e
            need = int(np.prod([side or 1 for side in spec.shape]))
            if flat.size != need:
                raise EngineError(
                    f"cannot load {name}: values[{i}] has {flat.size} numbers, not {need}"
                )
            self._values.append(_cast(flat, spec))

    def __call__(self, inputs: Sequence[Array]) -> list[Array]:
        return [
            np.resize(flat, _shape(spec, inputs))
            for spec, flat in zip(self._outputs, self._values, strict=True)
        ]


ANSWERS: Mapping[str, Callable[[Sequence[TensorSpec], Mapping[str, Any], str], Answer]] = {
    "hash": Hash,
    "one_hot": OneHot,
    "scale": Scale,
    "values": Values,
}


def _frames(inputs: Sequence[Array]) -> int:
    return min((given.shape[0] for given in inputs if given.ndim), default=1)


def _shape(spec: TensorSpec, inputs: Sequence[Array]) -> list[int]:
    sides = [side or 1 for side in spec.shape]
    if spec.shape and spec.shape[0] is None:
        sides[0] = _frames(inputs)
    return sides


def _cast(values: Array, spec: TensorSpec) -> Array:
    dtype = np.dtype(spec.dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        values = np.clip(np.rint(values), info.min, info.max)
    return values.astype(dtype)
