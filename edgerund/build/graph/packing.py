"""Small whole numbers packed without gaps into bytes, and the standard ONNX nodes that unpack them at load.

A number of ``bits`` bits is parted into pieces of 4, 2 and 1 bits, so that every piece divides a byte; 8 stays whole.

A byte is looked up as it is, in tables of 256: it is never shifted or masked when the file is loaded. onnxruntime
keeps every value that it computes while loading until all of them are known, and each takes fresh pages: so the nodes
are those that make few bytes. ``GatherElements`` does what ``Gather`` does here in a tenth of its time.
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
    """Flat values below ``2^size`` -> bytes; size 1, 2, 4 or 8.

    The values are cut into ``8 / size`` runs of one length: the lowest bits of the bytes are the first run.
    """
    each = 8 // size
    padded = np.zeros(-(-len(values) // each) * each, np.uint8)
    padded[: len(values)] = values
    shifts = np.arange(each, dtype=np.uint8)[:, None] * np.uint8(size)
    return np.asarray(
        np.bitwise_or.reduce(padded.reshape(each, -1) << shifts, axis=0), dtype=np.uint8
    )


def unpack(packed: Bytes, size: int, count: int) -> Bytes:
    """The first ``count`` values of what ``pack`` made."""
    flat = np.concatenate([digits(size, run)[packed] for run in range(8 // size)])
    return np.asarray(flat[:count], dtype=np.uint8)


def digits(size: int, run: int) -> Bytes:
    """What each of the 256 bytes holds of the run with that number."""
    every = np.arange(256, dtype=np.uint8)
    return np.asarray((every >> np.uint8(size * run)) & np.uint8(2**size - 1), np.uint8)


def split(values: Bytes, bits: int) -> list[tuple[int, Bytes]]:
    """(size, packed bytes) of each piece of the values, high piece first."""
    parts, below = [], bits
    for size in pieces(bits):
        below -= size
        piece = (values >> np.uint8(below)) & np.uint8(2**size - 1)
        parts.append((size, pack(piece, size)))
    return parts


class Unpacking:
    """Collects the nodes and tensors that turn packed indices into the values of a codebook, in a given shape.

    ``common`` holds the small tensors and ``before`` the nodes that all users share, by name; names are short because
    each is stored thrice.
    """

    def __init__(self, prefix: str, common: dict[str, Any], before: dict[str, Any]) -> None:
        self.prefix = prefix
        self.common = common
        self.before = before
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def values(self, codes: Bytes, bits: int, book: NDArray[Any], shape: Sequence[int]) -> str:
        """Store flat ``codes``; returns the name of the value that holds ``book[codes]`` in ``shape``."""
        sizes = pieces(bits)
        if len(sizes) == 1:
            full = np.concatenate([book, np.repeat(book[-1:], 2**bits - len(book))])
            name = self.tensor("codebook", full)
            looks = [
                self.node("Gather", [name, self._digits(bits, run)]) for run in range(8 // bits)
            ]
            made = self._looked_up(codes, bits, looks)
        else:
            made = self._book(self._indices(codes, bits), book)
        return self.node("Reshape", [made, self.tensor("n", np.array(shape, np.int64))])

    def _book(self, indices: str, book: NDArray[Any]) -> str:
        return self.node("GatherElements", [self.tensor("codebook", book), indices])

    def _indices(self, codes: Bytes, bits: int) -> str:
        """Of several pieces: each by itself, added up."""
        total, below = "", bits
        for size in pieces(bits):
            below -= size
            piece = (codes >> np.uint8(below)) & np.uint8(2**size - 1)
            looks = [self._digits(size, run, below) for run in range(8 // size)]
            part = self._looked_up(piece, size, looks)
            total = self.node("Add", [total, part]) if total else part
        return total

    def _looked_up(self, codes: Bytes, size: int, looks: Sequence[str]) -> str:
        """Flat: what the tables ``looks``, one for each run, say of the packed codes."""
        packed = pack(codes, size)
        wide = self.node("Cast", [self.tensor(f"b{size}", packed)], to=TensorProto.INT32)
        runs = [self.node("GatherElements", [table, wide]) for table in looks]
        flat = self.node("Concat", runs, axis=0) if len(runs) > 1 else runs[0]
        if packed.size * len(runs) == len(codes):
            return flat
        begin = self.constant("begin", np.array([0], np.int64))
        end = self.constant(f"end{len(codes)}", np.array([len(codes)], np.int64))
        return self.node("Slice", [flat, begin, end])

    def _digits(self, size: int, run: int, below: int = 0) -> str:
        """``int32 [256]``: what a byte holds of a run, moved up by ``below`` bits; made once for all users."""
        name = f"shared/d{size}.{run}.{below}"
        if name not in self.before:
            short = self.constant(f"u{size}.{run}.{below}", digits(size, run) << np.uint8(below))
            self.before[name] = helper.make_node("Cast", [short], [name], to=TensorProto.INT32)
        return name

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
