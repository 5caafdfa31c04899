"""FP16: weights stored in 16 bits and computed in 32, or a graph that computes in 16 bits for devices that can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind


class Fp16Params(BaseModel):
    """Parameters of ``fp16``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    compute: Literal["float32", "float16"] = Field(
        default="float32",
        description="float32: half the file, same speed everywhere; float16: for GPUs and ARMv8.2.",
    )
    leave: list[str] = Field(
        default=[], description="float16 only: names of nodes that stay in 32 bits."
    )
    least: int = Field(default=16, ge=1, description="Smaller tensors stay in 32 bits.")


class Fp16:
    """Half the bytes for weights."""

    Params: ClassVar[type[BaseModel]] = Fp16Params
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        from edgerund.build.graph import half
        from edgerund.build.graph.model import read
        from edgerund.build.graph.result import finish, parent_of
        from edgerund.build.graph.score import Judge

        parent = parent_of(parents, "store weights in 16 bits")
        context.progress(0.0, "reads the network")
        model = read(parent.path)
        if params.compute == "float32":
            facts = half.store(model, params.least)
            sentence = "Weights stored in 16 bits and computed in 32: half the file."
        else:
            model, facts = half.compute(model, parent.path.name, params.leave)
            sentence = "Stored and computed in 16 bits, for devices that do so faster."
        context.progress(0.3, "compares with the parent")
        judge = Judge(parent.path, context.data, context.threads)
        scored = {"parent": judge.parent.facts()}
        artifact = finish(context, parent, model, {"compute": params.compute, **facts}, sentence)
        scored["result"] = judge(artifact.path).facts()
        return Artifact(artifact.path, "onnx", {**artifact.facts, **scored}, artifact.how)
