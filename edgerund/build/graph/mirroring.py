"""Rewrites a graph so that it sees each picture twice, once mirrored, and answers with the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from edgerund.build.graph.model import Model, fresh, names
from edgerund.errors import BuildError

_END = np.iinfo(np.int64).max
_CHANNELS = (1, 3, 4)


def mirror(model: Model, axis: int | None, what: str) -> dict[str, Any]:
    """Change ``model`` in place. ``axis`` is the width of its input, ``what`` begins an error's sentence.

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
    both = maker.doubled(source.name, axis)
    for value in graph.output:
        maker.mean(value.name, source.name)
    graph.node.extend(maker.nodes)
    graph.initializer.extend(maker.numbers)
    return {"mirrored_axis": axis, "doubled": both}


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
        self.nodes: list[Any] = []
        self.numbers: list[Any] = []

    def doubled(self, name: str, axis: int) -> str:
        """Whoever read ``name`` reads it and its mirror image, one batch behind the other."""
        both = self._name(f"{name}_both")
        for node in self._graph.node:
            for i, read in enumerate(node.input):
                if read == name:
                    node.input[i] = both
        flipped = self._node(
            "Slice",
            [name, self._number(-1), self._number(-_END), self._number(axis), self._number(-1)],
            f"{name}_mirrored",
        )
        self.nodes.append(helper.make_node("Concat", [name, flipped], [both], name=both, axis=0))
        return both

    def mean(self, output: str, source: str) -> None:
        """``output`` becomes the mean of its first and its second half."""
        halves = self._name(f"{output}_both")
        for node in self._graph.node:
            for i, read in enumerate(node.input):
                node.input[i] = halves if read == output else read
            for i, made in enumerate(node.output):
                node.output[i] = halves if made == output else made
        zero, one, end = self._number(0), self._number(1), self._number(_END)
        shape = self._node("Shape", [source], f"{output}_shape")
        count = self._node("Slice", [shape, zero, one, zero], f"{output}_count")
        first = self._node("Slice", [halves, zero, count, zero], f"{output}_first")
        second = self._node("Slice", [halves, count, end, zero], f"{output}_second")
        self.nodes.append(
            helper.make_node("Mean", [first, second], [output], name=self._name(f"{output}_mean"))
        )

    def _node(self, kind: str, inputs: list[str], wish: str) -> str:
        name = self._name(wish)
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name))
        return name

    def _number(self, value: int) -> str:
        name = self._name("mirror_number")
        self.numbers.append(numpy_helper.from_array(np.array([value], np.int64), name))
        return name

    def _name(self, wish: str) -> str:
        name = fresh(self._taken, wish)
        self._taken.add(name)
        return name
