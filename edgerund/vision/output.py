"""What the tasks share on the way out: the decoder of a plan, and outputs that are numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgerund.errors import EngineError, InferenceFailed
from edgerund.registry import resolve
from edgerund.types import IOSpec, LadderPlan, OutputPlan, TensorSpec, VariantPlan
from edgerund.vision.decoders import TABLE
from edgerund.vision.finite import all_finite
from edgerund.vision.options import check_names
from edgerund.vision.quantised import dequantise

if TYPE_CHECKING:
    from edgerund.ports import Array, DecoderFactory

DECODER_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a decoder of somebody else's may raise when outputs are not what it expects."""


def output_plan(
    ladder: LadderPlan, variant: VariantPlan, decoders: Mapping[str, str], example: str
) -> OutputPlan:
    """The variant's output plan, if its decoder belongs to this task.

    Raises:
        EngineError: no plan, or the decoder of another task.
    """
    if variant.output is None:
        raise EngineError(
            f"cannot decode the outputs of {variant.name!r}: write output: {{decoder: {example}}}"
        )
    name = variant.output.decoder
    if name in TABLE and name not in decoders:
        raise EngineError(
            f"cannot use decoder {name!r} for task {ladder.task}: known are {', '.join(decoders)}, "
            "or module:attribute"
        )
    return variant.output


def make_decoder(plan: OutputPlan, task_options: frozenset[str], labels: int, spec: IOSpec) -> Any:
    """The decoder of a plan, made with its options (and ``classes``, where the ladder has labels).

    A factory may say with ``OPTIONS`` which options it reads; then a name that neither it nor the task reads
    is an error.

    Raises:
        EngineError: an option or an output that does not fit. PluginError: no such decoder.
    """
    factory: DecoderFactory = resolve("decoders", plan.decoder)
    known: frozenset[str] | None = getattr(factory, "OPTIONS", None)
    options: dict[str, Any] = dict(plan.options)
    if known is not None:
        check_names(plan.decoder, options, known | task_options)
    if labels and (known is None or "classes" in known):
        options.setdefault("classes", labels)
    try:
        return factory(options, spec)
    except DECODER_FAULTS as e:
        raise EngineError(f"cannot make decoder {plan.decoder!r}: {type(e).__name__}: {e}") from e


def real_outputs(outputs: Sequence[Array], specs: Sequence[TensorSpec]) -> list[Array]:
    """Outputs as real values: quantised ones by their scale and zero point.

    Raises:
        InferenceFailed: NaN or infinity among them, or another number of outputs than the engine promised.
    """
    if len(outputs) != len(specs):
        raise InferenceFailed(
            f"cannot use {len(outputs)} outputs: the engine promised {len(specs)}"
        )
    for array, spec in zip(outputs, specs, strict=True):
        if not all_finite(array):
            raise InferenceFailed(f"cannot use output {spec.name!r}: it holds NaN or infinity")
    return [dequantise(a, s) for a, s in zip(outputs, specs, strict=True)]
