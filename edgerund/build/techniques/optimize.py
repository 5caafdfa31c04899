"""A first stage for foreign files: constants computed, batch norm folded, old operators brought up to date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind


class OptimizeParams(BaseModel):
    """Parameters of ``optimize``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["basic", "extended"] = Field(
        default="basic",
        description="basic stays standard ONNX; extended fuses operators that only onnxruntime knows.",
    )
    opset: int | None = Field(
        default=None, ge=7, le=25, description="Bring the operators to this version at least."
    )


class Optimize:
    """onnxruntime's own graph optimisation, done once and kept in the file."""

    Params: ClassVar[type[BaseModel]] = OptimizeParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        from edgerund.build.graph.model import at_least_opset, folded, opset, read
        from edgerund.build.graph.result import finish, parent_of

        parent = parent_of(parents, "optimise")
        context.progress(0.0, "reads the network")
        model = read(parent.path)
        before = len(model.graph.node)
        if params.opset is not None:
            model = at_least_opset(model, params.opset, f"optimise {parent.path.name}")
        context.progress(0.3, "folds constants")
        model = folded(model, parent.path.name, params.level)
        nodes = len(model.graph.node)
        facts = {"nodes_before": before, "nodes": nodes, "opset": opset(model)}
        sentence = f"Graph tidied by onnxruntime: {before} operators became {nodes}."
        return finish(context, parent, model, facts, sentence)
