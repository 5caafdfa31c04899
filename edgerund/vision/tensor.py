"""Task tensor: arrays in, the engine's raw outputs out; with an input plan, frames in as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgerund.errors import BadRequest, EngineError, InferenceFailed
from edgerund.ports import Geometry, Incoming, TaskAnswer
from edgerund.types import IOSpec, LadderPlan, TensorSpec, VariantPlan
from edgerund.vision.finite import all_finite
from edgerund.vision.prepare import ImageInput

if TYPE_CHECKING:
    from edgerund.ports import Array


class RawTensors:
    """The pipeline of one variant of a tensor ladder."""

    def __init__(self, ladder: LadderPlan, variant: VariantPlan, spec: IOSpec) -> None:
        if variant.output is not None:
            raise EngineError(
                f"cannot decode the outputs of {variant.name!r}: task tensor gives them raw; leave output out"
            )
        self._inputs = spec.inputs
        self._outputs = spec.outputs
        self._dtypes = [_dtype(variant.name, t) for t in spec.inputs]
        self._image = (
            ImageInput(variant.name, variant.input, spec, ladder.max_pixels)
            if variant.input is not None
            else None
        )

    def prepare(self, incoming: Incoming) -> tuple[list[Array], Geometry | None]:
        """Arrays that fit are handed on as they are; see ``Pipeline.prepare``."""
        arrays = incoming.arrays
        if incoming.jpeg is None and len(arrays) == len(self._inputs):
            wrong = self._mismatch(arrays)
            if not wrong:
                return self._checked(arrays), None
            if self._image is None or not _may_be_frame(arrays[0]):
                raise BadRequest(wrong)
        elif self._image is None:
            what = "a JPEG" if incoming.jpeg is not None else f"{len(arrays)} arrays"
            raise BadRequest(
                f"cannot take {what}: the ladder wants {len(self._inputs)} "
                f"({'; '.join(map(_describe, self._inputs))})"
            )
        return self._image.prepare(incoming)

    def finish(  # the protocol's: no geometry needed here
        self,
        outputs: Sequence[Array],
        geometry: Geometry | None,  # noqa: ARG002
    ) -> TaskAnswer:
        """Name, dtype and shape of each output, and the arrays themselves."""
        heads = []
        for array, spec in zip(outputs, self._outputs, strict=True):
            if not all_finite(array):
                raise InferenceFailed(f"cannot use output {spec.name!r}: it holds NaN or infinity")
            heads.append({"name": spec.name, "dtype": array.dtype.name, "shape": list(array.shape)})
        return TaskAnswer({"outputs": heads}, tuple(outputs))

    def _mismatch(self, arrays: Sequence[Array]) -> str:
        """Why these arrays do not fit, or an empty string."""
        for array, spec, dtype in zip(arrays, self._inputs, self._dtypes, strict=True):
            if array.dtype != dtype or not _shape_fits(array.shape, spec.shape):
                return (
                    f"cannot take {array.dtype.name} {list(array.shape)} for input {spec.name!r}: "
                    f"it wants {_describe(spec)}"
                )
        return ""

    def _checked(self, arrays: Sequence[Array]) -> list[Array]:
        for array, spec in zip(arrays, self._inputs, strict=True):
            if not all_finite(array):
                raise BadRequest(f"cannot take NaN or infinity in input {spec.name!r}")
        return [np.ascontiguousarray(a) for a in arrays]


def pipeline(ladder: LadderPlan, variant: VariantPlan, spec: IOSpec) -> RawTensors:
    """The PipelineFactory of task ``tensor``."""
    return RawTensors(ladder, variant, spec)


def _shape_fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        w is None or n == w for n, w in zip(shape, wanted, strict=True)
    )


def _may_be_frame(array: Array) -> bool:
    return array.dtype == np.uint8 and array.ndim in (2, 3)


def _describe(spec: TensorSpec) -> str:
    shape = ", ".join("any" if d is None else str(d) for d in spec.shape)
    return f"{spec.dtype} [{shape}]"


def _dtype(variant: str, spec: TensorSpec) -> np.dtype[np.generic]:
    try:
        return np.dtype(spec.dtype)
    except TypeError as e:
        raise EngineError(
            f"cannot feed {variant!r}: numpy has no dtype {spec.dtype!r} (input {spec.name!r})"
        ) from e
