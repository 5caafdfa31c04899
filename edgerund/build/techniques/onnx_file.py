"""The beginning of a chain for a model that is there already: any ONNX file, brought into today's form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind
from edgerund.errors import BuildError

OPSET = 13
"""The first in which a scale per channel can be written."""


class OnnxFileParams(BaseModel):
    """Parameters of ``onnx``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path = Field(description="The model; relative to the recipe.")
    size: dict[str, list[int]] = Field(
        default={},
        description="For free sides: the shape of an input, by its name; 0 leaves a side alone.",
    )


class OnnxFile:
    """Takes a file as it is trained, and leaves its answers alone.

    Weights that are listed as inputs (as old exporters did) stay weights only, external data comes inside, old
    operators are converted, weights stored in 16 bits but computed in 32 are 32-bit ones again. Each is told.
    """

    Params: ClassVar[type[BaseModel]] = OnnxFileParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = None
    gives: ClassVar[Kind] = "onnx"
    most_parents: ClassVar[int] = 0
    parts: ClassVar[tuple[str, ...]] = ()

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:  # noqa: ARG002
        from edgerund.build.graph.model import folded, is_quantized, opset, read, write

        name = params.file.name
        context.progress(0.0, f"reads {name}")
        model = read(params.file)
        facts: dict[str, Any] = {"opset": opset(model), "quantized": is_quantized(model)}
        how = [f"began as {name}"]
        _fix_sides(model, params.size, name)
        if not facts["quantized"]:
            context.progress(0.3, "folds constants")
            model = folded(model, name)
            model, refused = _converted(model, name)
            if refused:
                facts["conversion_refused"] = refused
            elif opset(model) != facts["opset"]:
                how.append(f"operators converted from opset {facts['opset']} to {opset(model)}")
        context.progress(0.8, "writes it")
        path = context.folder / "model.onnx"
        write(model, path)
        return Artifact(path, "onnx", {**facts, "file_bytes": path.stat().st_size}, tuple(how))


def _converted(model: Any, name: str) -> tuple[Any, str]:
    """The model with newer operators if it can be had, and why not."""
    from edgerund.build.graph.model import at_least_opset

    try:
        return at_least_opset(model, OPSET, f"convert {name}"), ""
    except BuildError as e:
        return model, str(e)


def _fix_sides(model: Any, sizes: dict[str, list[int]], name: str) -> None:
    inputs = {value.name: value for value in model.graph.input}
    for wanted, sides in sizes.items():
        if wanted not in inputs:
            raise BuildError(
                f"cannot fix the sides of {wanted!r}: the inputs of {name} are {', '.join(inputs)}"
            )
        dims = inputs[wanted].type.tensor_type.shape.dim
        if len(dims) != len(sides):
            raise BuildError(
                f"cannot fix the sides of {wanted!r} to {sides}: it has {len(dims)} of them"
            )
        for dim, side in zip(dims, sides, strict=True):
            if side and dim.HasField("dim_value") and dim.dim_value not in (0, side):
                raise BuildError(
                    f"cannot make a side of {wanted!r} {side}: {name} says {dim.dim_value}"
                )
            if side > 0:
                dim.dim_value = side
