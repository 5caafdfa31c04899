"""A frame of any size is fitted into the input size of a variant, and the geometry of that is remembered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgerund.ports import Geometry
from edgerund.vision.codec import REDUCING_GAP

if TYPE_CHECKING:
    from edgerund.ports import Array, Frame
    from edgerund.types.plan import Fit


def place(frame_size: tuple[int, int], input_size: tuple[int, int], fit: Fit) -> Geometry:
    """Where the frame comes to lie in the input.

    ``stretch`` scales both axes on their own; ``letterbox`` keeps the aspect ratio, scales by the smaller
    ratio, rounds to whole pixels and centres (an odd rest goes right and down, as in Ultralytics' LetterBox);
    ``crop`` keeps the aspect ratio and takes the largest central part that fills the input.

    Args:
        frame_size: (width, height) of the frame that was sent.
        input_size: (width, height) of the network's input.
        fit: one of the three.
    """
    fw, fh = frame_size
    iw, ih = input_size
    if fit == "letterbox":
        ratio = min(iw / fw, ih / fh)
        w = min(iw, max(1, round(fw * ratio)))
        h = min(ih, max(1, round(fh * ratio)))
        return Geometry(fw, fh, iw, ih, w / fw, h / fh, (iw - w) // 2, (ih - h) // 2)
    if fit == "crop":
        ratio = max(iw / fw, ih / fh)
        x, y = (iw - fw * ratio) / 2, (ih - fh * ratio) / 2
        if ratio == 1.0:  # nothing is resized: whole pixels stay what they are
            x, y = math.ceil(x), math.ceil(y)
        return Geometry(fw, fh, iw, ih, ratio, ratio, x, y)
    return Geometry(fw, fh, iw, ih, iw / fw, ih / fh)


def fitted_size(geometry: Geometry) -> tuple[int, int]:
    """(width, height) of the whole frame in pixels of the input: what a frame should not be reduced below."""
    return (
        max(1, round(geometry.frame_width * geometry.scale_x)),
        max(1, round(geometry.frame_height * geometry.scale_y)),
    )


def fit_pixels(frame: Frame, geometry: Geometry, fit: Fit, pad: int) -> Frame:
    """The frame as pixels of the input's size; the same array, untouched, when it has that size already.

    Resizing is Pillow's BILINEAR: antialiased when it shrinks (each output pixel averages what it covers), as
    torchvision does by default; a frame more than twice too large is first reduced by a whole factor.

    Args:
        frame: uint8 [h,w,3] or [h,w]; may already be smaller than ``geometry`` says (a reduced JPEG).
        geometry: from ``place``.
        fit: the same as was given to ``place``.
        pad: value of the pixels around a letterboxed frame, 0..255.
    """
    size = (geometry.input_width, geometry.input_height)
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    if fit == "crop":
        return _crop(frame, geometry, size)
    if fit == "stretch":
        return _resize(frame, size)
    width, height = fitted_size(geometry)
    scaled = _resize(frame, (width, height))
    if (width, height) == size:
        return scaled
    left, top = int(geometry.pad_x), int(geometry.pad_y)
    canvas = np.full((size[1], size[0], *frame.shape[2:]), pad, np.uint8)
    canvas[top : top + height, left : left + width] = scaled
    return canvas


def _crop(frame: Frame, geometry: Geometry, size: tuple[int, int]) -> Frame:
    height, width = frame.shape[:2]
    # the frame may be a reduced one: what is kept is a share of it
    share_x = width / (geometry.frame_width * geometry.scale_x)
    share_y = height / (geometry.frame_height * geometry.scale_y)
    left, top = -geometry.pad_x * share_x, -geometry.pad_y * share_y
    if share_x == share_y == 1.0:
        x, y = int(left), int(top)
        return frame[y : y + size[1], x : x + size[0]]
    right = min(float(width), left + size[0] * share_x)
    bottom = min(float(height), top + size[1] * share_y)
    return _resize(frame, size, (max(0.0, left), max(0.0, top), right, bottom))


def _resize(
    frame: Frame,
    size: tuple[int, int],
    box: tuple[float, float, float, float] | None = None,
) -> Frame:
    from PIL import Image

    if box is None and (frame.shape[1], frame.shape[0]) == size:
        return frame
    # channels are resized on their own: a BGR view is taken back to the order it lies in, which needs no copy
    flipped = frame.ndim == 3 and frame.strides[2] < 0
    image = Image.fromarray(frame[:, :, ::-1] if flipped else frame)
    resized = np.asarray(
        image.resize(size, Image.Resampling.BILINEAR, box, reducing_gap=float(REDUCING_GAP))
    )
    return resized[:, :, ::-1] if flipped else resized


def to_gray(frame: Frame) -> Frame:
    """[h,w] luma of an RGB frame: (19595 R + 38470 G + 7471 B + 0x8000) >> 16, ITU-R 601-2 as Pillow has it."""
    from PIL import Image

    return frame if frame.ndim == 2 else np.asarray(Image.fromarray(frame).convert("L"))


def to_frame(boxes: Array, geometry: Geometry) -> Array:
    """Boxes x1 y1 x2 y2 in pixels of the input become pixels of the frame that was sent, clipped to it.

    Args:
        boxes: float [N,4].
        geometry: from ``place``.
    """
    pad = np.array([geometry.pad_x, geometry.pad_y] * 2)
    scale = np.array([geometry.scale_x, geometry.scale_y] * 2)
    limit = np.array([geometry.frame_width, geometry.frame_height] * 2)
    moved: Array = np.clip((boxes.astype(np.float64) - pad) / scale, 0.0, limit)
    return moved
