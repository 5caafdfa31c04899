"""INT8 after training: ranges from calibration images, several ways tried, the best on validation images kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind

Ends = Literal["auto", "none", "first", "last", "both"]


class Int8Params(BaseModel):
    """Parameters of ``int8``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Literal["x86", "arm", "tensorrt"] = Field(
        default="x86",
        description="x86: unsigned activations; arm: signed; tensorrt: signed, zero in the middle.",
    )
    methods: list[Literal["minmax", "percentile", "entropy", "mse"]] = Field(
        default=["minmax", "percentile", "entropy", "mse"],
        min_length=1,
        description="Ways to find the ranges; the best on validation images is kept.",
    )
    percentile: float = Field(
        default=99.99, gt=50, le=100, description="What the way percentile keeps inside."
    )
    weight_bits: Literal["auto", 7, 8] = Field(
        default="auto",
        description="7 cannot overflow the sums of x86 processors without VNNI; auto: 8 if it is better.",
    )
    per_channel: bool = Field(default=True, description="A scale for each output channel.")
    float_ends: Ends = Field(
        default="auto", description="Which end layers stay float; auto: those where it helps."
    )
    gain: float = Field(
        default=0.001,
        ge=0,
        le=1,
        description="What a further way must gain on validation to be taken.",
    )
    leave: list[str] = Field(default=[], description="Names of nodes that stay float.")
    images: int = Field(default=512, ge=1, description="At most so many calibration images.")


class Int8:
    """Static quantization to INT8 in QDQ form."""

    Params: ClassVar[type[BaseModel]] = Int8Params
    version: ClassVar[int] = 3
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        from edgerund.build.graph.int8_search import choose, prepare
        from edgerund.build.graph.quantizing import as_run, cannot_be_quantized, split_run
        from edgerund.build.graph.result import finish, parent_of

        parent = parent_of(parents, "quantize")
        context.progress(0.0, "reads the network")
        model = prepare(parent.path, params.per_channel)
        best, tried = choose(model, parent, params, context)
        facts = {
            "target": params.target,
            "chosen": best.way.facts(),
            "tried": tried,
            "left_float": cannot_be_quantized(model, best.way.form),
            "kept_float": sorted(best.way.leave),
            "calibration_images": min(params.images, len(context.data.calibration)),
            "runs": split_run(as_run(best.model.SerializeToString())),
        }
        return finish(context, parent, best.model, facts, _sentence(best.way, facts))


def _sentence(way: Any, facts: Any) -> str:
    bits = f", weights in {way.form.weight_bits} bits" if way.form.weight_bits != 8 else ""
    text = (
        f"Quantized to INT8 after training, ranges found by {way.method} on "
        f"{facts['calibration_images']} images{bits}"
    )
    if facts["kept_float"]:
        text += f"; left in float because that is better: {_few(facts['kept_float'])}"
    if facts["left_float"]:
        text += f"; operators with no INT8 form, left in float: {_few(list(facts['left_float']))}"
    return text + "."


def _few(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
