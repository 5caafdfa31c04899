"""From what a caller has in hand (an array, several, JPEG bytes) to a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from edgerund.errors import BadRequest
from edgerund.wire import Buffer, Request, pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]
    Frame: TypeAlias = (
        Array
        | list[Array]
        | tuple[Array, ...]
        | Mapping[str, Array]
        | bytes
        | bytearray
        | memoryview
    )
else:
    Frame = Any

Colour: TypeAlias = Literal["RGB", "BGR", "GRAY"]


def to_request(
    frame: Frame,
    colour: Colour | None = None,
    deadline_ms: float | None = None,
    stream: str = "",
    priority: int = 0,
    min_accuracy: float | None = None,
) -> Request:
    """A request for ``frame``: one array, several (a list, or a mapping by name), or the bytes of a JPEG.

    Raises:
        BadRequest: anything else, an empty array, or an element type that does not travel.
    """
    if isinstance(frame, (bytes, bytearray, memoryview)):
        jpeg = _jpeg(frame)
        return Request(
            "infer", "", "jpeg", (), jpeg, colour, deadline_ms, stream, priority, min_accuracy
        )
    names: tuple[str, ...] = ()
    if isinstance(frame, np.ndarray):
        arrays = [frame]
    elif isinstance(frame, Mapping):
        arrays, names = list(frame.values()), tuple(frame)
    elif isinstance(frame, (list, tuple)):
        arrays = list(frame)
    else:
        raise BadRequest(
            f"cannot send a {type(frame).__name__}: an array, several, or the bytes of a JPEG are wanted"
        )
    for array in arrays:
        if not isinstance(array, np.ndarray) or array.size == 0:
            raise BadRequest("cannot send an input that is empty or no numpy array")
    if not arrays:
        raise BadRequest("cannot send a request without an input")
    tensors, payload = pack(arrays, names)
    return Request(
        "infer", "", "raw", tensors, payload, colour, deadline_ms, stream, priority, min_accuracy
    )


def to_own(request: Request) -> Request:
    """The same request with payload frames of its own, so that the caller may reuse his."""
    return replace(request, payload=tuple(bytes(p) for p in request.payload))


def _jpeg(data: bytes | bytearray | memoryview) -> tuple[Buffer]:
    flat = data.cast("B") if isinstance(data, memoryview) else data
    if bytes(flat[:2]) != b"\xff\xd8":
        raise BadRequest(
            "cannot send these bytes: only a JPEG (it starts with FF D8) travels as bytes, "
            "decode anything else into an array"
        )
    return (flat,)
