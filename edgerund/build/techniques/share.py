"""Weight sharing: each tensor becomes a small codebook and packed indices, put together again when it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind


class ShareParams(BaseModel):
    """Parameters of ``share``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bits: int = Field(default=4, ge=1, le=8, description="A tensor has 2^bits different weights.")
    end_bits: int | None = Field(
        default=None, ge=1, le=8, description="Bits of the first and the last layer; default: bits."
    )
    channel_scales: bool = Field(
        default=True,
        description="Float weights: share what is left after a scale per output channel.",
    )
    compensate: bool = Field(
        default=True,
        description="Make good each weight's error by the others, on calibration images.",
    )
    images: int = Field(default=64, ge=1, description="At most so many calibration images.")
    least: int = Field(default=512, ge=1, description="Smaller tensors are left alone.")
    rounds: int = Field(default=60, ge=1, le=1000, description="At most so many rounds of k-means.")


class Share:
    """K-means codebooks; the file shrinks, the time of an inference does not."""

    Params: ClassVar[type[BaseModel]] = ShareParams
    version: ClassVar[int] = 4
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        from edgerund.build.graph.model import at_least_opset, read
        from edgerund.build.graph.result import finish, parent_of, zipped_bytes
        from edgerund.build.graph.score import Judge
        from edgerund.build.graph.sharing import OPSET, share

        parent = parent_of(parents, "share weights")
        context.progress(0.0, "reads the network")
        model = at_least_opset(read(parent.path), OPSET, f"share weights of {parent.path.name}")
        seen = _seen(model, params, context) if params.compensate else {}
        tensors = share(
            model,
            params,
            seen,
            lambda done, name: context.progress(0.3 + 0.4 * done, f"shares the weights of {name}"),
        )
        judge = Judge(parent.path, context.data, context.threads)
        facts = {"bits": params.bits, "tensors": tensors, "parent": judge.parent.facts()}
        context.progress(0.8, "compares with the parent")
        artifact = finish(context, parent, model, facts, _sentence(params, len(tensors)))
        scored = {
            "result": judge(artifact.path).facts(),
            "zipped_bytes": zipped_bytes(artifact.path),
            "parent_zipped_bytes": zipped_bytes(parent.path),
        }
        return Artifact(artifact.path, "onnx", {**artifact.facts, **scored}, artifact.how)


def _seen(model: Any, params: Any, context: Context) -> Any:
    from edgerund.build.graph.patches import patch_moments
    from edgerund.build.graph.sharing import large
    from edgerund.build.graph.weights import layers

    alone = {w.layers[0] for w in large(model, params.least) if len(w.layers) == 1}
    nodes = [node for node in layers(model) if node.name in alone]
    count = min(params.images, len(context.data.calibration))
    images = context.data.calibration.take(0, count)
    return patch_moments(
        model, nodes, images, context.threads, lambda s, text: context.progress(0.3 * s, text)
    )


def _sentence(params: Any, count: int) -> str:
    return (
        f"Weights of {count} tensors shared: {2**params.bits} different values each, stored as indices of "
        f"{params.bits} bits and put together when the file is loaded."
    )
