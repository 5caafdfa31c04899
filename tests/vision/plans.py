"""Short ways to write ladders, variants and engine signatures in tests of the vision room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from numpy.typing import NDArray

from edgerund.types import InputPlan, IOSpec, LadderPlan, OutputPlan, TensorSpec, VariantPlan
from edgerund.types.plan import Task

Array: TypeAlias = NDArray[Any]


def image_spec(
    shape: tuple[int | None, ...] = (1, 3, 8, 8),
    dtype: str = "float32",
    scale: float | None = None,
    zero_point: int | None = None,
    outputs: tuple[TensorSpec, ...] = (),
) -> IOSpec:
    return IOSpec((TensorSpec("images", dtype, shape, scale, zero_point),), outputs)


def output(shape: tuple[int | None, ...], dtype: str = "float32", **quantised: Any) -> TensorSpec:
    return TensorSpec("out", dtype, shape, **quantised)


def one_variant(
    task: Task,
    decoder: str | None = None,
    options: Mapping[str, Any] | None = None,
    plan: InputPlan | None = None,
    labels: tuple[str, ...] = (),
    **ladder: Any,
) -> tuple[LadderPlan, VariantPlan]:
    variant = VariantPlan(
        "v",
        "v.onnx",
        "fake",
        input=plan,
        output=OutputPlan(decoder, options or {}) if decoder else None,
    )
    return LadderPlan("l", task, (variant,), labels, **ladder), variant
