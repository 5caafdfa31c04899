"""Low rank: layers parted into cheaper ones where their values lie near a smaller subspace, without training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind


class LowRankParams(BaseModel):
    """Parameters of ``lowrank``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    energy: float = Field(
        default=0.95, gt=0, lt=1, description="Share of a layer's variance that its factors keep."
    )
    macs: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Share of the multiplications that may remain; finds the energy by itself.",
    )
    schemes: list[Literal["channel", "tucker", "spatial"]] = Field(
        default=["channel", "tucker", "spatial"],
        min_length=1,
        description="Ways to part a convolution; the one with the fewest multiplications is taken.",
    )
    saves: float = Field(
        default=0.1, ge=0, lt=1, description="A layer that saves less than this share stays whole."
    )
    leave: list[str] = Field(default=[], description="Names of layers that stay whole.")
    images: int = Field(default=128, ge=1, description="At most so many calibration images.")


class LowRank:
    """Factorization by what the layers really compute."""

    Params: ClassVar[type[BaseModel]] = LowRankParams
    version: ClassVar[int] = 2
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        from edgerund.build.graph.factoring import factorize
        from edgerund.build.graph.model import folded, is_quantized, read
        from edgerund.build.graph.result import finish, parent_of
        from edgerund.build.graph.score import Judge
        from edgerund.errors import BuildError

        parent = parent_of(parents, "factorize")
        context.progress(0.0, "reads the network")
        model = read(parent.path)
        if is_quantized(model):
            raise BuildError(
                f"cannot factorize {parent.path.name}: it is quantized; factorize first, then quantize"
            )
        model = folded(model, parent.path.name)
        facts = factorize(model, params, context)
        context.progress(0.8, "compares with the parent")
        judge = Judge(parent.path, context.data, context.threads)
        facts = {"parent": judge.parent.facts(), **facts}
        artifact = finish(context, parent, model, facts, _sentence(facts))
        scored = {"result": judge(artifact.path).facts()}
        return Artifact(artifact.path, "onnx", {**artifact.facts, **scored}, artifact.how)


def _sentence(facts: Any) -> str:
    return (
        f"{len(facts['layers'])} layers parted into low-rank ones that keep {facts['energy']:.1%} of their "
        f"variance: {facts['macs_share']:.0%} of the multiplications remain."
    )
