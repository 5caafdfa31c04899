"""INT8 weights with ranges found anew at each inference: for networks of matrix products; needs no images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind


class Int8DynamicParams(BaseModel):
    """Parameters of ``int8_dynamic``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight_bits: Literal[7, 8] = Field(
        default=8, description="7 cannot overflow the sums of x86 processors without VNNI."
    )
    per_channel: bool = Field(default=True, description="A scale for each output channel.")
    leave: list[str] = Field(default=[], description="Names of nodes that stay float.")


class Int8Dynamic:
    """Dynamic quantization of Gemm, MatMul, LSTM and Attention."""

    Params: ClassVar[type[BaseModel]] = Int8DynamicParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        from edgerund.build.graph.dynamic import OPERATORS, quantized
        from edgerund.build.graph.quantizing import as_run, split_run
        from edgerund.build.graph.result import finish, parent_of
        from edgerund.build.graph.score import Judge

        parent = parent_of(parents, "quantize")
        context.progress(0.0, "reads the network")
        model, found = quantized(parent.path, params)
        context.progress(0.4, "compares with the parent")
        judge = Judge(parent.path, context.data, context.threads)
        facts = {
            "operators": list(OPERATORS),
            "quantized": found,
            "runs": split_run(as_run(model.SerializeToString())),
            "parent": judge.parent.facts(),
        }
        sentence = (
            f"Weights of {len(found)} matrix products quantized to INT8, "
            "ranges of what they multiply found at each inference."
        )
        artifact = finish(context, parent, model, facts, sentence)
        scored = {"result": judge(artifact.path).facts()}
        return Artifact(artifact.path, "onnx", {**artifact.facts, **scored}, artifact.how)
