"""The JSON header: its limits, and the keys that requests and replies share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from edgerund.errors import BadRequest, TooLarge
from edgerund.wire.frames import DTYPES, Buffer, TensorHead

VERSION = 1
MAX_HEADER_BYTES = 16 * 1024
MAX_BRACKETS = 256
MAX_TENSORS = 64
MAX_NDIM = 8
MAX_NAME_CHARS = 64


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
encode_json = json.JSONEncoder(
    separators=(",", ":"), allow_nan=False, ensure_ascii=True, check_circular=False
).encode


def read_header(frame: Buffer, what: str, max_bytes: int, max_brackets: int) -> dict[str, Any]:
    """The JSON object in ``frame``. Raises BadRequest or TooLarge with one sentence.

    ``max_brackets`` bounds the nesting without walking the text.
    """
    if len(frame) > max_bytes:
        raise TooLarge(
            f"cannot read the {what} header: {len(frame)} bytes is more than {max_bytes}"
        )
    raw = bytes(frame)
    if raw.count(b"[") + raw.count(b"{") > max_brackets:
        raise BadRequest(
            f"cannot read the {what} header: more than {max_brackets} opening brackets"
        )
    try:
        header = _decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as e:
        raise BadRequest(f"cannot read the {what} header: it is not UTF-8 JSON ({e})") from None
    if type(header) is not dict:
        raise BadRequest(f"cannot read the {what} header: it must be a JSON object")
    return header


def read_heads(
    items: object, frames: Sequence[Buffer], what: str, *, allow_empty: bool = False
) -> tuple[TensorHead, ...]:
    """The tensors that ``items`` (a JSON list) describes, each held against its payload frame."""
    if type(items) is not list or len(items) > MAX_TENSORS:
        raise BadRequest(f"cannot read {what!r}: a list of at most {MAX_TENSORS} objects is wanted")
    if len(items) != len(frames):
        raise BadRequest(
            f"cannot match {what!r}: {len(items)} tensors are described, "
            f"{len(frames)} payload frames came"
        )
    heads = []
    for i, item in enumerate(items):
        if type(item) is not dict:
            raise BadRequest(f"cannot read {what}[{i}]: an object is wanted")
        heads.append(read_head(item, frames[i], f"{what}[{i}]", allow_empty=allow_empty))
    return tuple(heads)


def read_head(
    item: Mapping[str, Any], frame: Buffer, what: str, *, allow_empty: bool = False
) -> TensorHead:
    """One tensor's description held against its payload frame."""
    dtype = item.get("dtype")
    itemsize = DTYPES.get(dtype) if type(dtype) is str else None
    if itemsize is None:
        raise BadRequest(
            f"cannot take dtype {shorten(dtype)} of {what}: known are {', '.join(DTYPES)}"
        )
    shape = item.get("shape")
    if type(shape) is not list or len(shape) > MAX_NDIM:
        raise BadRequest(
            f"cannot take the shape of {what}: a list of at most {MAX_NDIM} integers is wanted"
        )
    least = 0 if allow_empty else 1
    size = itemsize
    for extent in shape:
        # bool is an int in Python, and JSON's true is no extent
        if type(extent) is not int or not least <= extent < 1 << 48:
            raise BadRequest(
                f"cannot take the shape of {what}: {shorten(extent)} is not a valid extent"
            )
        size *= extent
    if size != len(frame):
        raise BadRequest(
            f"cannot match {what}: {shorten(shape)} of {dtype} is {size} bytes, "
            f"the payload frame has {len(frame)}"
        )
    name = item.get("name", "")  # the model's own: of any length, the header bounds it
    if type(name) is not str:
        raise BadRequest(f"cannot take the name of {what}: a string is wanted")
    return TensorHead(str(dtype), tuple(shape), name)


def read_name(item: Mapping[str, Any], key: str, what: str) -> str:
    """A short printable ASCII string, "" where absent."""
    value = item.get(key)
    if value is None:
        return ""
    if (
        type(value) is not str
        or len(value) > MAX_NAME_CHARS
        or not (value.isascii() and value.isprintable())
    ):
        raise BadRequest(
            f"cannot take {key!r} of {what}: "
            f"at most {MAX_NAME_CHARS} printable ASCII characters are wanted"
        )
    return value


def shorten(value: object) -> str:
    """A foreign value for an error message: short, printable, ASCII."""
    text = ascii(value)
    return text if len(text) <= 40 else text[:37] + "..."


def head_items(heads: Sequence[TensorHead]) -> list[dict[str, Any]]:
    """What ``read_heads`` reads."""
    return [
        {"dtype": h.dtype, "shape": h.shape, "name": h.name}
        if h.name
        else {"dtype": h.dtype, "shape": h.shape}
        for h in heads
    ]
