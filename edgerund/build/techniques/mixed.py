"""Mixed precision: each layer's own damage measured, and the fewest layers left in float that keep the accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind


class MixedParams(BaseModel):
    """Parameters of ``mixed``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_loss: float = Field(
        default=0.005, ge=0, le=1, description="What validation may lose against the parent."
    )
    floor: float | None = Field(
        default=None, ge=0, le=1, description="The least score, instead of max_loss."
    )
    target: Literal["x86", "arm", "tensorrt"] = Field(default="x86", description="As in int8.")
    method: Literal["minmax", "percentile", "entropy", "mse"] = Field(
        default="percentile", description="How ranges are found."
    )
    percentile: float = Field(default=99.99, gt=50, le=100, description="As in int8.")
    weight_bits: Literal[7, 8] = Field(default=8, description="As in int8.")
    per_channel: bool = Field(default=True, description="A scale for each output channel.")
    images: int = Field(default=512, ge=1, description="At most so many calibration images.")
    scored: int = Field(
        default=256, ge=1, description="Validation images for the table of sensitivities."
    )


class Mixed:
    """INT8 where it costs nothing, float where it does."""

    Params: ClassVar[type[BaseModel]] = MixedParams
    version: ClassVar[int] = 3
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        from edgerund.build.graph.mixing import mix
        from edgerund.build.graph.result import finish, parent_of

        parent = parent_of(parents, "mix precisions")
        context.progress(0.0, "reads the network")
        model, facts = mix(parent.path, params, context)
        return finish(context, parent, model, facts, _sentence(facts))


def _sentence(facts: Any) -> str:
    kept, count = facts["kept_float"], len(facts["sensitivity"])
    if not kept:
        return f"Quantized to INT8 in all {count} layers: none had to stay float for the accuracy asked for."
    few = ", ".join(kept[:6]) + (f" and {len(kept) - 6} more" if len(kept) > 6 else "")
    return f"Quantized to INT8 but for {len(kept)} of {count} layers, those that hurt most: {few}."
