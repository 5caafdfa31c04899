"""Mirror: the mean of what a network says of a picture and its mirror image; accuracy for twice the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind

_SENTENCES = {
    2: "Answers with the mean of a picture and its mirror image: twice the work of its parent.",
    4: "Answers with the mean of a picture, its mirror image and two moved ones: four times the work.",
}


class MirrorParams(BaseModel):
    """Parameters of ``mirror``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    views: Literal[2, 4] = Field(
        default=2,
        description="2: the picture and its mirror image; 4: two moved mirror images too.",
    )
    axis: int | None = Field(
        default=None,
        ge=1,
        le=3,
        description="Which side of the input is the width; default: 3, or 2 for NHWC.",
    )


class Mirror:
    """The other direction of the ladder: a better top rung out of the same weights (test-time augmentation)."""

    Params: ClassVar[type[BaseModel]] = MirrorParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"
    only: ClassVar[str] = "pictures in batches of any size"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        from edgerund.build.graph.mirroring import mirror
        from edgerund.build.graph.model import at_least_opset, read
        from edgerund.build.graph.result import finish, parent_of
        from edgerund.build.graph.score import Judge

        parent = parent_of(parents, "mirror")
        context.progress(0.0, "reads the network")
        what = f"mirror {parent.path.name}"
        model = at_least_opset(read(parent.path), 13, what)
        facts = mirror(model, params.views, params.axis, what)
        context.progress(0.3, "compares with the parent")
        judge = Judge(parent.path, context.data, context.threads)
        scored = {"parent": judge.parent.facts()}
        artifact = finish(context, parent, model, facts, _SENTENCES[params.views])
        scored["result"] = judge(artifact.path).facts()
        return Artifact(artifact.path, "onnx", {**artifact.facts, **scored}, artifact.how)
