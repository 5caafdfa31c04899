"""Tiny ONNX files, written as protobuf by hand: the tests need no onnx package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgerund.ports import Array

FLOAT, UINT8, INT64, STRING = 1, 2, 7, 8
_TYPES = {"float32": FLOAT, "uint8": UINT8, "int64": INT64}


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **ints: int) -> bytes:
    body = b"".join(block(1, i) for i in inputs) + b"".join(block(2, o) for o in outputs)
    body += block(4, kind)
    for key, value in ints.items():
        body += block(5, block(1, key) + number(3, value) + number(20, 2))
    return body


def tensor(name: str, values: Array) -> bytes:
    dims = b"".join(number(1, side) for side in values.shape)
    return dims + number(2, _TYPES[values.dtype.name]) + block(8, name) + block(9, values.tobytes())


def value(name: str, shape: Sequence[int | str], kind: int = FLOAT) -> bytes:
    dims = b"".join(
        block(1, block(2, side) if isinstance(side, str) else number(1, side)) for side in shape
    )
    return block(1, name) + block(2, block(1, number(1, kind) + block(2, dims)))


def model(
    nodes: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    weights: Mapping[str, Array] | None = None,
    *,
    ir_version: int = 8,
    opset: int = 13,
) -> bytes:
    graph = b"".join(block(1, n) for n in nodes) + block(2, "tiny")
    graph += b"".join(block(5, tensor(k, v)) for k, v in (weights or {}).items())
    graph += b"".join(block(11, i) for i in inputs) + b"".join(block(12, o) for o in outputs)
    return number(1, ir_version) + block(7, graph) + block(8, number(2, opset))


def linear(weight: Array, bias: Array, batch: int | str = "n", size: int = 4) -> bytes:
    """``y = flatten(x) @ weight + bias`` for ``x`` of shape [batch, 3, size, size]."""
    return model(
        [
            node("Flatten", ["image"], ["flat"], axis=1),
            node("MatMul", ["flat", "w"], ["product"]),
            node("Add", ["product", "b"], ["scores"]),
        ],
        [value("image", [batch, 3, size, size])],
        [value("scores", [batch, weight.shape[1]])],
        {"w": weight, "b": bias},
    )


def old_style_linear(weight: Array, bias: Array) -> bytes:
    """The same as opset-8 files do it: IR version 3, and each initialiser among the inputs as well."""
    return model(
        [
            node("Flatten", ["image"], ["flat"], axis=1),
            node("MatMul", ["flat", "w"], ["product"]),
            node("Add", ["product", "b"], ["scores"]),
        ],
        [value("w", weight.shape), value("image", [1, 3, 4, 4]), value("b", bias.shape)],
        [value("scores", [1, weight.shape[1]])],
        {"w": weight, "b": bias},
        ir_version=3,
        opset=8,
    )


def huge_claim() -> bytes:
    """A weight that says it has 2^40 floats and carries four bytes."""
    claim = number(1, 1 << 40) + number(2, FLOAT) + block(8, "w") + block(9, b"\0\0\0\0")
    graph = block(1, node("Add", ["image", "w"], ["scores"])) + block(2, "tiny") + block(5, claim)
    graph += block(11, value("image", [1])) + block(12, value("scores", [1]))
    return number(1, 8) + block(7, graph) + block(8, number(2, 13))


def fill_on_run(count: int) -> bytes:
    """A file of a few bytes that asks for ``count`` floats when it is loaded (constant folding) or run."""
    return model(
        [
            node("ConstantOfShape", ["shape"], ["filled"]),
            node("Add", ["image", "filled"], ["scores"]),
        ],
        [value("image", [1])],
        [value("scores", ["n"])],
        {"shape": np.array([count], np.int64)},
    )


def text_input() -> bytes:
    return model(
        [node("Identity", ["image"], ["scores"])],
        [value("image", [1], STRING)],
        [value("scores", [1], STRING)],
    )
