"""Rewrites a graph so that it sees each picture in several views, and answers with the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from edgerund.build.graph.model import Model, fresh, names, opset
from edgerund.errors import BuildError

_END = np.iinfo(np.int64).max
_CHANNELS = (1, 3, 4)


def mirror(model: Model, views: int, axis: int | None, what: str) -> dict[str, Any]:
    """Change ``model`` in place.

    Args:
        model: one input, pictures; class scores as outputs.
        views: 2 is the picture and its mirror image; 4 adds two mirror images moved by a pixel along the
            diagonal, to either side, their borders reflected.
        axis: the width of the input; None to find out.
        what: begins an error's sentence.

    Raises:
        BuildError: it has several inputs, no pictures, a batch of fixed size, or outputs that are no class scores.
    """
    graph = model.graph
    if len(graph.input) != 1:
        raise BuildError(
            f"cannot {what}: it has {len(graph.input)} inputs; one is meant, a picture"
        )
    source = graph.input[0]
    axis = _width(_sides(source), axis, what)
    for value in graph.output:
        if len(_sides(value)) not in (0, 2):
            raise BuildError(
                f"cannot {what}: output {value.name!r} is no row of class scores for each picture"
            )
    maker = _Maker(model)
    maker.see(source.name, views, axis)
    for value in graph.output:
        maker.mean(value.name, views)
    graph.node.extend(maker.nodes)
    graph.initializer.extend(maker.numbers)
    return {"views": views, "mirrored_axis": axis}


def _sides(value: Any) -> list[int | None]:
    dims = value.type.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in dims]


def _width(sides: list[int | None], axis: int | None, what: str) -> int:
    if len(sides) != 4:
        raise BuildError(f"cannot {what}: its input has {len(sides)} sides, a picture has four")
    if sides[0] is not None:
        raise BuildError(
            f"cannot {what}: its batch is fixed to {sides[0]}; export it with a free one"
        )
    if axis is not None:
        return axis
    if sides[1] in _CHANNELS:
        return 3
    if sides[3] in _CHANNELS:
        return 2
    raise BuildError(f"cannot {what}: which side of {sides} is the width? Say `axis`")


class _Maker:
    """New nodes and constants under names that nobody has."""

    def __init__(self, model: Model) -> None:
        self._graph = model.graph
        self._taken = names(model)
        self._opset = opset(model)
        self.nodes: list[Any] = []
        self.numbers: list[Any] = []

    def see(self, name: str, views: int, axis: int) -> None:
        """Whoever read ``name`` reads all of its views, one batch behind the other."""
        every = self._name(f"{name}_views")
        for node in self._graph.node:
            for i, read in enumerate(node.input):
                if read == name:
                    node.input[i] = every
        seen = [name, self._flipped(name, axis)]
        if views > 2:
            pads = [0] * 8
            for side in (axis - 1, axis):
                pads[side] = pads[side + 4] = 1
            wide = self._node("Pad", [name, self._numbers(*pads)], f"{name}_wide", mode="reflect")
            both = self._numbers(axis - 1, axis)
            for begin, end in ((0, -2), (2, _END)):
                cut = [wide, self._numbers(begin, begin), self._numbers(end, end), both]
                seen.append(self._flipped(self._node("Slice", cut, f"{name}_moved"), axis))
        self.nodes.append(helper.make_node("Concat", seen, [every], name=every, axis=0))

    def mean(self, output: str, views: int) -> None:
        """``output`` becomes the mean over the views."""
        every = self._name(f"{output}_views")
        for node in self._graph.node:
            for i, read in enumerate(node.input):
                node.input[i] = every if read == output else read
            for i, made in enumerate(node.output):
                node.output[i] = every if made == output else made
        parts = [self._name(f"{output}_view") for _ in range(views)]
        told = {"num_outputs": views} if self._opset >= 18 else {}
        split = helper.make_node("Split", [every], parts, name=parts[0], axis=0, **told)
        mean = helper.make_node("Mean", parts, [output], name=self._name(f"{output}_mean"))
        self.nodes += [split, mean]

    def _flipped(self, name: str, axis: int) -> str:
        last, before = self._numbers(-1), self._numbers(-_END)
        return self._node(
            "Slice", [name, last, before, self._numbers(axis), last], f"{name}_mirrored"
        )

    def _node(self, kind: str, inputs: list[str], wish: str, **attributes: Any) -> str:
        name = self._name(wish)
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def _numbers(self, *values: int) -> str:
        name = self._name("mirror_numbers")
        self.numbers.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def _name(self, wish: str) -> str:
        name = fresh(self._taken, wish)
        self._taken.add(name)
        return name
