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
    """Collects the nodes and tensors that turn packed indices into ``int32`` indices of a given shape."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def indices(self, values: Bytes, bits: int, shape: Sequence[int]) -> str:
        """Store flat ``values``; returns the name of the ``int32`` value that holds them in ``shape``."""
        total, below = "", bits
        for size, packed in split(values, bits):
            below -= size
            part = self._piece(packed, size, len(values))
            if below:
                weight = self.tensor(f"times{below}", np.array(2**below, np.int32))
                part = self.node("Mul", [part, weight], f"piece{below}")
            total = self.node("Add", [total, part], f"sum{below}") if total else part
        wanted = self.tensor("shape", np.array(shape, np.int64))
        return self.node("Reshape", [total, wanted], "indices")

    def _piece(self, packed: Bytes, size: int, count: int) -> str:
        if size == 8:
            return self.node("Cast", [self.tensor("bytes8", packed)], "wide8", to=TensorProto.INT32)
        each = 8 // size
        column = self.tensor(f"bytes{size}", packed.reshape(-1, 1))
        shifts = self.tensor(f"shifts{size}", np.arange(each, dtype=np.uint8) * np.uint8(size))
        moved = self.node("BitShift", [column, shifts], f"moved{size}", direction="RIGHT")
        base = self.tensor(f"base{size}", np.array(2**size, np.uint8))
        low = self.node("Mod", [moved, base], f"low{size}")
        wide = self.node("Cast", [low], f"wide{size}", to=TensorProto.INT32)
        line = self.tensor(f"line{size}", np.array([-1], np.int64))
        flat = self.node("Reshape", [wide, line], f"flat{size}")
        if packed.size * each == count:
            return flat
        ends = [
            self.tensor(f"{name}{size}", np.array([at], np.int64))
            for name, at in (("begin", 0), ("end", count))
        ]
        return self.node("Slice", [flat, *ends], f"cut{size}")

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        """Store an array; returns its name."""
        full = f"{self.prefix}/{name}"
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), full))
        return full

    def node(self, kind: str, inputs: list[str], out: str, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        full = f"{self.prefix}/{out}"
        self.nodes.append(helper.make_node(kind, inputs, [full], name=full, **attributes))
        return full
