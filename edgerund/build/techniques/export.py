"""From the network that was trained to the ONNX file that every other technique and every engine takes."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Images, Kind
from edgerund.build.training import begin
from edgerund.errors import BuildError

TOLERANCE = 1e-3
IMAGES = 16


class ExportParams(BaseModel):
    """How the file is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    opset: int = Field(
        default=17, ge=13, description="Of the generic exporter; the recipe's own knows better."
    )
    outputs: list[str] = Field(
        default=["logits"],
        min_length=1,
        description="Names of the outputs, for the generic exporter.",
    )


class Export:
    """Writes ONNX with the recipe's ``export``, or else with torch's; refuses a file that answers otherwise."""

    Params: ClassVar[type[ExportParams]] = ExportParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "torch"
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: ExportParams, context: Context) -> Artifact:
        begin(context)
        from edgerund.build.training import files

        parent = parents[0]
        model, _ = files.load(parent.path, context.torch)
        path = context.folder / "model.onnx"
        own = context.torch.get("export")
        if own is not None:
            own(model, path)
        else:
            _export(model, path, context.data.calibration, params)
        worst = _worst(model, path, context)
        if worst > TOLERANCE:
            raise BuildError(
                f"cannot export {parent.path.name}: the file's answers differ from the network's by {worst:.2g} "
                "of the largest; mend the recipe's export"
            )
        facts = {"largest_relative_difference": float(f"{worst:.2g}"), "bytes": path.stat().st_size}
        return Artifact(path, "onnx", {**parent.facts, **facts}, parent.how)


def _export(model: Any, path: Path, images: Images, params: ExportParams) -> None:
    import torch

    from edgerund.build.training.figures import example

    names = [*images.inputs, *params.outputs]
    options: dict[str, Any] = {"dynamic_axes": {name: {0: "N"} for name in names}}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False  # needs no further package, and folds batch norm
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model,
            example(images),
            str(path),
            input_names=list(images.inputs),
            output_names=params.outputs,
            opset_version=params.opset,
            **options,
        )


def _worst(model: Any, path: Path, context: Context) -> float:
    """Largest difference of the first output over a few images, as a share of its largest value."""
    import numpy as np

    from edgerund.build.training.figures import answers
    from edgerund.build.training.teacher import session

    some = context.data.calibration.take(0, IMAGES)
    ours = answers(model, some)
    theirs = session(path, context.threads).run(None, dict(some.inputs))[0]
    return float(np.abs(ours - theirs).max() / max(1e-12, np.abs(ours).max()))
