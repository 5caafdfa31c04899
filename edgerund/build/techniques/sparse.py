"""Sparsity: the smallest weights become zero, anywhere or two of every four, without training afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind


class SparseParams(BaseModel):
    """Parameters of ``sparse``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: Literal["unstructured", "2:4"] = Field(
        default="unstructured", description="2:4 is what the sparse tensor cores of GPUs take."
    )
    ratio: float = Field(default=0.5, gt=0, lt=1, description="Share of zeros; 2:4 is always half.")
    scope: Literal["network", "tensor"] = Field(
        default="network", description="unstructured: one threshold for all weights, or one each."
    )
    ends: bool = Field(default=False, description="Also thin the first and the last layer.")
    least: int = Field(default=512, ge=1, description="Smaller tensors are left alone.")


class Sparse:
    """Magnitude pruning of single weights. The file only shrinks when it is zipped."""

    Params: ClassVar[type[BaseModel]] = SparseParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        from edgerund.build.graph.model import read
        from edgerund.build.graph.result import finish, parent_of, zipped_bytes
        from edgerund.build.graph.score import Judge
        from edgerund.build.graph.thinning import thin
        from edgerund.build.graph.timing import latency_ratio

        parent = parent_of(parents, "make weights zero")
        context.progress(0.0, "reads the network")
        model = read(parent.path)
        facts = thin(model, params)
        context.progress(0.3, "compares with the parent")
        judge = Judge(parent.path, context.data, context.threads)
        share = facts["zeros"]
        pattern = "two of every four" if params.pattern == "2:4" else f"{share:.0%}"
        sentence = f"Small weights set to zero ({pattern} of those thinned), without training."
        artifact = finish(
            context, parent, model, {"parent": judge.parent.facts(), **facts}, sentence
        )
        ratio = latency_ratio(artifact.path, parent.path, judge.images)
        scored = {
            "result": judge(artifact.path).facts(),
            "zipped_bytes": zipped_bytes(artifact.path),
            "parent_zipped_bytes": zipped_bytes(parent.path),
            "latency_ratio_to_parent": round(ratio, 3),
            "pays": _verdict(ratio),
        }
        return Artifact(artifact.path, "onnx", {**artifact.facts, **scored}, artifact.how)


def _verdict(ratio: float) -> str:
    if ratio < 0.95:
        return "faster on this CPU"
    return "not on this CPU: it multiplies the zeros too; only a zipped file is smaller"
