"""Frames that are not JSON: the envelope, and tensors as payload frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from edgerund.errors import BadRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Buffer: TypeAlias = bytes | bytearray | memoryview
"""One frame. A memoryview is flat and of bytes, as ``zmq.Frame.buffer`` is."""

MAX_ENVELOPE_FRAMES = 16
MAX_ENVELOPE_BYTES = 4096

DTYPES: Mapping[str, int] = {
    "uint8": 1,
    "int8": 1,
    "bool": 1,
    "uint16": 2,
    "int16": 2,
    "float16": 2,
    "uint32": 4,
    "int32": 4,
    "float32": 4,
    "uint64": 8,
    "int64": 8,
    "float64": 8,
}
"""numpy's name of each element type that travels, and its size in bytes."""


class TensorHead(NamedTuple):
    """What the header says of one payload frame: little-endian elements of ``dtype``, C order."""

    dtype: str
    shape: tuple[int, ...]
    name: str = ""

    @property
    def nbytes(self) -> int:
        """How many bytes the frame must have."""
        size = DTYPES[self.dtype]
        for extent in self.shape:
            size *= extent
        return size


def split(frames: Sequence[Buffer]) -> tuple[list[Buffer], list[Buffer]] | None:
    """Part a received message into its envelope and its body.

    The envelope is everything up to and including the first empty frame; a reply echoes it verbatim.

    Returns:
        (envelope, body), or None where nobody could be answered: no empty frame, or an envelope of more than
        16 frames or 4096 bytes. The server counts such a message as dropped.
    """
    total_bytes = 0
    for i, frame in enumerate(frames):
        length = len(frame)
        if length == 0:
            return list(frames[: i + 1]), list(frames[i + 1 :])
        total_bytes += length
        if i >= MAX_ENVELOPE_FRAMES - 1 or total_bytes > MAX_ENVELOPE_BYTES:
            return None
    return None


def as_array(buffer: Buffer, dtype: str, shape: Sequence[int]) -> Array:
    """A read-only view of a payload frame; nothing is copied, so the frame lives as long as the view."""
    import numpy as np

    array = np.frombuffer(buffer, dtype=np.dtype(dtype).newbyteorder("<")).reshape(shape)
    array.flags.writeable = False
    return array


def pack(
    arrays: Sequence[Array], names: Sequence[str] = ()
) -> tuple[tuple[TensorHead, ...], tuple[Buffer, ...]]:
    """Arrays of any layout as (heads, payload frames).

    A contiguous little-endian array is not copied: its frame is a view, valid while the array is unchanged.

    Raises:
        BadRequest: an element type that does not travel (``DTYPES`` lists those that do).
    """
    heads: list[TensorHead] = []
    payload: list[Buffer] = []
    for i, given in enumerate(arrays):
        name = given.dtype.name
        if name not in DTYPES:
            raise BadRequest(
                f"cannot send elements of type {name}: convert to one of {', '.join(DTYPES)}"
            )
        array = given if given.flags.c_contiguous else given.copy(order="C")
        little = array.dtype.newbyteorder("<")
        if array.dtype != little:
            array = array.astype(little)
        heads.append(TensorHead(name, array.shape, names[i] if i < len(names) else ""))
        # a flat view of bytes: memoryview.cast refuses zero-sized and float16 arrays
        payload.append(array.reshape(-1).view("uint8").data if array.size else b"")
    return tuple(heads), tuple(payload)
