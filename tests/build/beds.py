"""Tiny models with their data on disk, as somebody would have them who has no recipe."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from PIL import Image

from edgerund.build.technique import Images
from tests.build.nets import CLASSES, pictures, trained

STAGES = """\
  float: {use: onnx, file: model.onnx}
  fp16: {use: fp16, from: float}
  int8: {use: int8, from: float, methods: [minmax], weight_bits: 8, float_ends: none}
  shared: {use: share, from: float}
"""


@functools.cache
def _trained() -> bytes:
    return bytes(trained().SerializeToString(deterministic=True))


def write_model(file: Path) -> Path:
    """A network that names the gratings; returns the file."""
    file.write_bytes(_trained())
    return file


def frames_of(images: Images) -> list[np.ndarray]:
    """The pictures as a camera gives them: uint8, height x width x RGB."""
    planes = next(iter(images.inputs.values()))
    frames = np.rint(planes * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return [np.ascontiguousarray(f) for f in frames]


def write_pictures(folder: Path, count: int, seed: int = 21) -> Path:
    """Gratings as PNG files in subfolders that name the class."""
    images = pictures(count, seed)
    assert images.labels is not None
    for i, (frame, label) in enumerate(zip(frames_of(images), images.labels, strict=True)):
        place = folder / f"grating{label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(frame).save(place / f"{i:03}.png")
    return folder


def write_bed(folder: Path, stages: str = STAGES, count: int = 40) -> Path:
    """A model, pictures, and a recipe over them; returns the recipe."""
    write_model(folder / "model.onnx")
    write_pictures(folder / "pictures", count)
    labels = ", ".join(f"grating{i}" for i in range(CLASSES))
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        f"recipe: toy\nladder:\n  task: classify\n  labels: [{labels}]\n  top_k: 2\n"
        "  defaults: {input: {size: 12}}\n"
        "data: {calibration: pictures, input: image}\n"
        f"stages:\n{stages}"
        "measure: {rounds: 3, loads: 1, robust: false}\n"
    )
    return recipe
