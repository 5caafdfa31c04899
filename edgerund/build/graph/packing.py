"""Small whole numbers packed without gaps into bytes, and the standard ONNX nodes that unpack them at load.

A number of ``bits`` bits is parted into pieces of 4, 2 and 1 bits, so that every piece divides a byte; 8 stays whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Bytes = NDArray[np.uint8]


def pieces(bits: int) -> tuple[int, ...]:
    """How ``bits`` is parted, high piece first: 8 -> (8), 7 -> (4, 2, 1), 4 -> (4)."""
    return tuple(size for size in (8, 4, 2, 1) if bits & size)


def pack(values: Bytes, size: int) -> Bytes:
    """Flat values below ``2^size`` -> bytes, the first value lowest in its byte; size 1, 2, 4 or 8."""
    each = 8 // size
    padded = np.zeros(-(-len(values) // each) * each, np.uint8)
    padded[: len(values)] = values
    shifts = np.arange(each, dtype=np.uint8) * np.uint8(size)
    return np.asarray(
        np.bitwise_or.reduce(padded.reshape(-1, each) << shifts, axis=1), dtype=np.uint8
    )


def unpack(packed: Bytes, size: int, count: int) -> Bytes:
    """The first ``count`` values of what ``pack`` made."""
    shifts = np.arange(8 // size, dtype=np.uint8) * np.uint8(size)
    flat = (packed[:, None] >> shifts) & np.uint8(2**size - 1)
    return np.asarray(flat.reshape(-1)[:count], dtype=np.uint8)


def split(values: Bytes, bits: int) -> list[tuple[int, Bytes]]:
    """(size, packed bytes) of each piece of the values, high piece first."""
    parts, below = [], bits
    for size in pieces(bits):
        below -= size
        piece = (values >> np.uint8(below)) & np.uint8(2**size - 1)
        parts.append((size, pack(piece, size)))
    return parts


class Unpacking:
    """Collects the nodes and tensors that turn packed indices into ``int32`` indices of a given shape.

    ``common`` holds the small tensors that all users share, by name; names are short because each is stored thrice.
    """

    def __init__(self, prefix: str, common: dict[str, Any]) -> None:
        self.prefix = prefix
        self.common = common
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def indices(self, values: Bytes, bits: int, shape: Sequence[int]) -> str:
        """Store flat ``values``; returns the name of the ``int32`` value that holds them in ``shape``."""
        total, below = "", bits
        for size, packed in split(values, bits):
            below -= size
            part = self._piece(packed, size, len(values))
            if below:
                part = self.node("Mul", [part, self.constant(f"x{below}", np.int32(2**below))])
            total = self.node("Add", [total, part]) if total else part
        return self.node("Reshape", [total, self.tensor("n", np.array(shape, np.int64))])

    def _piece(self, packed: Bytes, size: int, count: int) -> str:
        if size == 8:
            return self.node("Cast", [self.tensor("b8", packed)], to=TensorProto.INT32)
        each = 8 // size
        column = self.tensor(f"b{size}", packed.reshape(-1, 1))
        shifts = self.constant(f"s{size}", np.arange(each, dtype=np.uint8) * np.uint8(size))
        moved = self.node("BitShift", [column, shifts], direction="RIGHT")
        low = self.node("Mod", [moved, self.constant(f"m{size}", np.uint8(2**size))])
        wide = self.node("Cast", [low], to=TensorProto.INT32)
        flat = self.node("Reshape", [wide, self.constant("flat", np.array([-1], np.int64))])
        if packed.size * each == count:
            return flat
        begin = self.constant("begin", np.array([0], np.int64))
        end = self.constant(f"end{count}", np.array([count], np.int64))
        return self.node("Slice", [flat, begin, end])

    def constant(self, name: str, array: Any) -> str:
        """A small tensor that is stored once for all users; returns its name."""
        full = f"shared/{name}"
        if full not in self.common:
            self.common[full] = numpy_helper.from_array(np.asarray(array), full)
        return full

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        """Store an array; returns its name."""
        full = f"{self.prefix}/{name}"
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), full))
        return full

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        out = f"{self.prefix}/{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [out], **attributes))
        return out

    def stored_bytes(self) -> int:
        """What all of it takes in a file, the common tensors left out."""
        return int(sum(each.ByteSize() + 4 for each in [*self.nodes, *self.tensors]))
