"""What weather, lens and link do to a picture, in five severities, as networks are usually tested with them.

Definitions and constants after Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", ICLR 2019: those of CIFAR-10-C for pictures below 64 pixels, else those of ImageNet-C.
The noise is seeded by severity and number of the picture, so that every variant and every run sees the same.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Frame = NDArray[np.uint8]
SMALL_SIDE = 64
SEVERITIES = (1, 2, 3, 4, 5)

# severity 1 to 5: (small pictures, large pictures)
CONSTANTS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "noise": ((0.04, 0.06, 0.08, 0.09, 0.10), (0.08, 0.12, 0.18, 0.26, 0.38)),
    "blur": ((0.4, 0.6, 0.7, 0.8, 1.0), (1.0, 2.0, 3.0, 4.0, 6.0)),
    "jpeg": ((80, 65, 58, 50, 40), (25, 18, 15, 10, 7)),
    "brightness": ((0.05, 0.1, 0.15, 0.2, 0.3), (0.1, 0.2, 0.3, 0.4, 0.5)),
    "contrast": ((0.75, 0.5, 0.4, 0.3, 0.15), (0.4, 0.3, 0.2, 0.1, 0.05)),
}


def corrupt(frame: Frame, kind: str, severity: int, number: int = 0) -> Frame:
    """One picture, spoilt.

    Args:
        frame: ``uint8 [h, w, 3]`` RGB or ``[h, w]``.
        kind: a key of ``CONSTANTS``.
        severity: 1 (hardly to be seen) to 5.
        number: of the picture in its set; decides the noise.

    Returns:
        A picture of the same form.
    """
    constants = CONSTANTS[kind][min(frame.shape[:2]) >= SMALL_SIDE]
    return _KINDS[kind](frame, constants[severity - 1], severity << 32 | number)


def shrunk(frame: Frame, side: int) -> Frame:
    """The picture with its shorter side at ``side`` pixels, if it is longer.

    A blur of one pixel is nothing to a photograph that is shrunk to a tenth before the network sees it.
    """
    height, width = frame.shape[:2]
    factor = side / min(height, width)
    if factor >= 1:
        return frame
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX))


def _noise(frame: Frame, deviation: float, seed: int) -> Frame:
    """Gaussian, per channel."""
    noise = np.random.default_rng(seed).standard_normal(frame.shape, np.float32)
    return _pixels(frame / np.float32(255) + noise * np.float32(deviation))


def _blur(frame: Frame, sigma: float, _seed: int) -> Frame:
    # a true Gaussian by rows and columns: Pillow's is three boxes, which below one pixel is something else
    taps = np.arange(-max(1, round(4 * sigma)), max(1, round(4 * sigma)) + 1)
    kernel = np.exp(-(taps**2) / (2 * sigma**2)).astype(np.float32)
    kernel /= kernel.sum()
    out = frame / np.float32(255)
    for axis in (0, 1):
        reach = len(taps) // 2
        widths = [(reach, reach) if a == axis else (0, 0) for a in range(out.ndim)]
        padded = np.pad(out, widths, mode="edge")
        side = out.shape[axis]
        parts = (w * padded.take(range(i, i + side), axis) for i, w in enumerate(kernel))
        out = np.add.reduce(list(parts))
    return _pixels(out)


def _jpeg(frame: Frame, quality: float, _seed: int) -> Frame:
    packed = io.BytesIO()
    Image.fromarray(frame).save(packed, "JPEG", quality=int(quality))
    with Image.open(packed) as image:
        return np.asarray(image)


def _brightness(frame: Frame, more: float, _seed: int) -> Frame:
    """Value of HSV plus ``more``, hue and saturation as they were: each channel keeps its share of the greatest."""
    value = frame.max(axis=2, keepdims=True) if frame.ndim == 3 else frame
    value = value / np.float32(255)
    wanted = np.minimum(value + np.float32(more), 1)
    share = np.divide(
        frame / np.float32(255), value, out=np.ones(frame.shape, np.float32), where=value > 0
    )
    return _pixels(share * wanted)


def _contrast(frame: Frame, factor: float, _seed: int) -> Frame:
    real = frame / np.float32(255)
    mean = real.mean(axis=(0, 1), keepdims=True)
    return _pixels((real - mean) * np.float32(factor) + mean)


def _pixels(real: NDArray[np.float32]) -> Frame:
    return np.rint(np.clip(real, 0, 1) * 255).astype(np.uint8)


_KINDS: Mapping[str, Callable[[Frame, float, int], Frame]] = {
    "noise": _noise,
    "blur": _blur,
    "jpeg": _jpeg,
    "brightness": _brightness,
    "contrast": _contrast,
}
