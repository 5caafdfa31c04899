"""What a client sent becomes pixels: JPEG bytes or a raw array in a declared colour order."""

from __future__ import annotations

import importlib
import io
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from edgerund.errors import BadRequest, TooLarge

if TYPE_CHECKING:
    from PIL.JpegImagePlugin import JpegImageFile

    from edgerund.ports import Array, Frame

MAX_SCANS = 100
"""A progressive file has about ten; each more costs a pass over all pixels while it adds a few bytes."""

REDUCING_GAP = 2
"""A frame is reduced cheaply (by whole factors) to no less than this many times the size that is wanted.

2 is the value of Pillow's thumbnail(). Against the full way, 1080p to 320x180: mean difference 0.3 to 0.5 of 255,
which is half of what bilinear and bicubic differ by.
"""

_START = b"\xff\xd8\xff"
_SCAN = b"\xff\xda"
# what Pillow was seen to raise on damaged files, and what its older versions may
_DECODE_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
)


def import_codecs() -> None:
    """Import Pillow now (40 ms), while a variant is loaded, rather than when its first frame waits."""
    importlib.import_module("PIL.JpegImagePlugin")


def decode_jpeg(
    buffer: bytes | memoryview,
    max_pixels: int,
    fitted: Callable[[tuple[int, int]], tuple[int, int]] | None = None,
    gray: bool = False,
) -> tuple[Frame, tuple[int, int]]:
    """Decode one JPEG, at a reduced size where a much smaller one is wanted.

    The EXIF orientation is ignored: boxes are in the pixels as they are stored. CMYK becomes RGB.

    Args:
        buffer: the whole file.
        max_pixels: bound on width x height as the file's header says, looked at before anything is decoded.
        fitted: from the (width, height) of the frame to the one it will be scaled to; None decodes at full size.
        gray: only the luma is wanted.

    Returns:
        uint8 [h,w,3] RGB or [h,w] gray pixels, and the (width, height) of the frame that was sent.

    Raises:
        BadRequest: not a JPEG, or a damaged one. TooLarge: more than ``max_pixels``.
    """
    data = bytes(buffer)
    image = _open(data)
    width, height = image.size
    if width * height > max_pixels:
        raise TooLarge(
            f"cannot take a JPEG of {width} x {height} pixels: the ladder accepts {max_pixels}"
        )
    if width == 0 or height == 0:
        raise BadRequest(f"cannot decode a JPEG of {width} x {height} pixels")
    if data.count(_SCAN) > MAX_SCANS:
        raise BadRequest(
            f"cannot decode a JPEG of more than {MAX_SCANS} scans: save it as baseline"
        )
    try:
        w, h = fitted((width, height)) if fitted else (width, height)
        image.draft("L" if gray else None, (REDUCING_GAP * w, REDUCING_GAP * h))
        image.load()
        known = image.mode in ("RGB", "L")
        return np.asarray(image if known else image.convert("RGB")), (width, height)
    except _DECODE_FAULTS as e:
        raise BadRequest(f"cannot decode the JPEG of {width} x {height} pixels: {e}") from e


def _open(data: bytes) -> JpegImageFile:
    # Image.open would try other formats and apply a limit of its own to the pixels
    from PIL.JpegImagePlugin import JpegImageFile

    if not data.startswith(_START):
        raise BadRequest(
            f"cannot decode the frame: it starts with {data[:4].hex(' ') or 'nothing'} and not like a JPEG "
            "(ff d8 ff); send a JPEG, or the pixels with encoding raw"
        )
    try:
        return JpegImageFile(io.BytesIO(data))
    except _DECODE_FAULTS as e:
        raise BadRequest(f"cannot read the JPEG's header: {e}") from e


def as_rgb(array: Array, colour: str | None, max_pixels: int) -> Frame:
    """A raw frame as [h,w,3] RGB or [h,w] gray, without copying (BGR becomes a reversed view).

    Args:
        array: uint8, [h,w,3], [h,w,1] or [h,w].
        colour: RGB, BGR or GRAY; None is GRAY for frames without three channels, else RGB.
        max_pixels: bound on width x height.

    Raises:
        BadRequest: another dtype or shape, or a colour that does not fit the shape. TooLarge: too many pixels.
    """
    if array.dtype != np.uint8:
        raise BadRequest(f"cannot take a frame of {array.dtype}: frames are uint8")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    channels = 1 if array.ndim == 2 else array.shape[2] if array.ndim == 3 else 0
    if channels not in (1, 3) or array.size == 0:
        raise BadRequest(
            f"cannot take a frame of shape {list(array.shape)}: frames are [height, width, 3] or [height, width]"
        )
    if array.shape[0] * array.shape[1] > max_pixels:
        raise TooLarge(
            f"cannot take a frame of {array.shape[1]} x {array.shape[0]} pixels: "
            f"the ladder accepts {max_pixels}"
        )
    if colour is not None and (colour == "GRAY") != (channels == 1):
        raise BadRequest(f"cannot take a {colour} frame with {channels} channels")
    return array[:, :, ::-1] if colour == "BGR" else array
