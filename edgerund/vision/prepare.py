"""From what a request carries to the input tensor of a variant, as its InputPlan says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from edgerund.errors import BadRequest, EngineError
from edgerund.types import InputPlan, IOSpec, TensorSpec
from edgerund.vision.codec import as_rgb, decode_jpeg, import_codecs
from edgerund.vision.fit import fit_pixels, fitted_size, place, to_gray
from edgerund.vision.quantised import quantise

if TYPE_CHECKING:
    from edgerund.ports import Array, Frame, Geometry, Incoming

Fill = Callable[["Array", "Frame"], None]
"""Writes pixels (uint8, in the tensor's own layout) into a tensor of the same shape."""


class ImageInput:
    """Makes the one input tensor of a variant out of frames. Holds no state between frames."""

    def __init__(self, variant: str, plan: InputPlan, spec: IOSpec, max_pixels: int) -> None:
        """Check the plan against the engine.

        Raises:
            EngineError: more than one input, or a dtype, size, layout or channel count that the engine lacks.
        """
        import_codecs()
        if len(spec.inputs) != 1:
            raise EngineError(
                f"cannot feed frames to {variant!r}: it has {len(spec.inputs)} inputs; use the task tensor"
            )
        tensor = spec.inputs[0]
        self._plan = plan
        self._max_pixels = max_pixels
        self._channels = 1 if plan.colour == "GRAY" else 3
        self.height, self.width = _input_size(variant, plan, tensor, self._channels)
        _check_dtype(variant, plan, tensor)
        self._batched = len(tensor.shape) == 4
        self._dtype = np.dtype(tensor.dtype)
        self._fill = _filler(variant, plan, tensor, self._channels, self.width)

    def prepare(self, incoming: Incoming) -> tuple[list[Array], Geometry]:
        """One request's frame as the engine's input, and how it lies in there."""
        frame, sent = self._pixels(incoming)
        geometry = self._place(sent)
        return [self._tensor(fit_pixels(frame, geometry, self._plan.fit, self._plan.pad))], geometry

    def _place(self, sent: tuple[int, int]) -> Geometry:
        return place(sent, (self.width, self.height), self._plan.fit)

    def _pixels(self, incoming: Incoming) -> tuple[Frame, tuple[int, int]]:
        gray = self._channels == 1
        if incoming.jpeg is not None:
            return decode_jpeg(
                incoming.jpeg, self._max_pixels, lambda sent: fitted_size(self._place(sent)), gray
            )
        if len(incoming.arrays) != 1:
            raise BadRequest(f"cannot take {len(incoming.arrays)} arrays: send one frame")
        frame = as_rgb(incoming.arrays[0], incoming.colour, self._max_pixels)
        return (to_gray(frame) if gray else frame), (frame.shape[1], frame.shape[0])

    def _tensor(self, pixels: Frame) -> Array:
        if pixels.ndim == 2:
            pixels = np.broadcast_to(pixels[:, :, None], (*pixels.shape, self._channels))
        if self._plan.colour == "BGR":
            pixels = pixels[:, :, ::-1]
        if self._plan.layout == "NCHW":
            pixels = pixels.transpose(2, 0, 1)
        if self._fill is _copy and pixels.flags.c_contiguous:
            stored: Array = pixels
        else:
            stored = np.empty(pixels.shape, self._dtype)
            self._fill(stored, pixels)
        return stored[None] if self._batched else stored


# ------------------------------------------------------------------ checks against the engine
def _input_size(
    variant: str, plan: InputPlan, tensor: TensorSpec, channels: int
) -> tuple[int, int]:
    if len(tensor.shape) not in (3, 4):
        raise EngineError(
            f"cannot feed frames to {variant!r}: its input {tensor.name!r} has shape {list(tensor.shape)}, "
            "which is no image"
        )
    if len(tensor.shape) == 4 and tensor.shape[0] not in (None, 1):
        raise EngineError(
            f"cannot feed single frames to {variant!r}: its input {tensor.name!r} takes batches of "
            f"{tensor.shape[0]}; export it with batch 1 or a free batch dimension"
        )
    shape = tensor.shape[-3:]
    found, *size = shape if plan.layout == "NCHW" else (shape[2], shape[0], shape[1])
    if found not in (None, channels):
        raise EngineError(
            f"cannot feed {plan.colour} frames in layout {plan.layout} to {variant!r}: its input {tensor.name!r} "
            f"has shape {list(tensor.shape)}; correct layout or colour"
        )
    height, width = size if plan.size is None else plan.size
    if not height or not width:
        raise EngineError(
            f"cannot tell the input size of {variant!r}: its input {tensor.name!r} has shape "
            f"{list(tensor.shape)}; write size: [height, width]"
        )
    if size[0] not in (None, height) or size[1] not in (None, width):
        raise EngineError(
            f"cannot feed frames of size [{height}, {width}] (height, width) to {variant!r}: its input "
            f"{tensor.name!r} has shape {list(tensor.shape)}"
        )
    return height, width


def _check_dtype(variant: str, plan: InputPlan, tensor: TensorSpec) -> None:
    try:
        np.dtype(tensor.dtype)
    except TypeError as e:
        raise EngineError(
            f"cannot feed {variant!r}: no frame becomes its input dtype {tensor.dtype!r}"
        ) from e
    if np.dtype(tensor.dtype).name != plan.dtype:
        raise EngineError(
            f"cannot feed {plan.dtype} to {variant!r}: its input {tensor.name!r} is {tensor.dtype}; "
            f"write dtype: {tensor.dtype}"
        )


# ------------------------------------------------------------------ pixels to stored values
def _filler(variant: str, plan: InputPlan, tensor: TensorSpec, channels: int, width: int) -> Fill:
    """The cheapest way from pixels to what is stored."""
    for name, values in (("mean", plan.mean), ("std", plan.std)):
        if len(values) not in (1, channels):
            raise EngineError(
                f"cannot prepare frames for {variant!r}: {name} has {len(values)} values for {channels} channels"
            )
    if not plan.scale or not all(plan.std):
        raise EngineError(f"cannot prepare frames for {variant!r}: scale and std must not be 0")
    mean, std = (np.resize(np.array(v, np.float64), channels) for v in (plan.mean, plan.std))
    if tensor.dtype == "float32":
        # ((pixel / scale) - mean) / std = pixel * factor + offset
        factor, offset = 1.0 / (plan.scale * std), -mean / std
        if plan.layout == "NCHW":
            return _scale_planes(factor.astype(np.float32), offset.astype(np.float32))
        rows = (np.tile(v, width).astype(np.float32) for v in (factor, offset))
        return _scale_rows(*rows)
    real = (np.arange(256) / plan.scale - mean[:, None]) / std[:, None]
    tables = quantise(real, tensor) if np.dtype(tensor.dtype).kind in "iu" else real
    tables = tables.astype(tensor.dtype)
    if tensor.dtype == "uint8" and (tables == np.arange(256)).all():
        return _copy
    return _look_up(tables, plan.layout)


def _copy(stored: Array, pixels: Frame) -> None:
    np.copyto(stored, pixels)


def _scale_planes(factor: Array, offset: Array) -> Fill:
    # plane by plane stays in the cache, and is as quick as numpy gets here: see tools/bench_vision.py
    def fill(stored: Array, pixels: Frame) -> None:
        for plane, source, a, b in zip(stored, pixels, factor, offset, strict=True):
            np.copyto(plane, source)
            np.multiply(plane, a, out=plane)
            if b:
                np.add(plane, b, out=plane)

    return fill


def _scale_rows(factor: Array, offset: Array) -> Fill:
    # whole rows: a last axis of three is seven times as slow
    def fill(stored: Array, pixels: Frame) -> None:
        np.copyto(stored, pixels)
        rows = stored.reshape(stored.shape[0], -1)
        rows *= factor
        if offset.any():
            rows += offset

    return fill


def _look_up(tables: Array, layout: str) -> Fill:
    # tables: what each of the 256 pixel values becomes, per channel. Exact for every dtype,
    # and far quicker than numpy's conversion to float16
    if (tables == tables[0]).all():
        return lambda stored, pixels: _take(tables[0], pixels, stored)

    def fill(stored: Array, pixels: Frame) -> None:
        for channel, table in enumerate(tables):
            at = channel if layout == "NCHW" else (..., channel)
            stored[at] = table[pixels[at]]

    return fill


def _take(table: Array, pixels: Frame, stored: Array) -> None:
    np.take(table, pixels, out=stored, mode="clip")  # "raise" would copy through a buffer
