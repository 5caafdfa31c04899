"""Pictures as network inputs, by the very preprocessing that serving uses, with the classes their folders name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from edgerund.build.technique import Array, Images
from edgerund.errors import BuildError, EdgerundError
from edgerund.ports import Incoming
from edgerund.types import InputPlan, IOSpec, TensorSpec
from edgerund.vision.prepare import ImageInput

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".gif", ".tif", ".tiff")
_JPEG = (".jpg", ".jpeg")
_MAX_PIXELS = 200_000_000


def read_pictures(
    folder: Path, plan: InputPlan, name: str, labels: Sequence[str], limit: int | None
) -> Images:
    """Every picture below a folder, in an order that mixes the classes.

    Args:
        folder: pictures, or one subfolder of them per class.
        plan: how a frame becomes the input.
        name: of the network's input.
        labels: of the ladder; subfolders are found among them, or are numbers.
        limit: at most so many pictures.

    Raises:
        BuildError: no pictures, one that cannot be read, or subfolders some of which are no label.
    """
    found = _interleaved(list_pictures(folder))[:limit]
    if not found:
        raise BuildError(
            f"cannot find pictures in {folder}: known endings are {', '.join(SUFFIXES)}"
        )
    classes = _classes([file.relative_to(folder) for file in found], labels, folder)
    prepare = ImageInput("the data", plan, _signature(plan, name), _MAX_PIXELS)
    inputs = np.concatenate([_input(prepare, file) for file in found])
    return Images({name: inputs}, classes)


def list_pictures(folder: Path) -> list[Path]:
    """The picture files below a folder, sorted."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())


def _signature(plan: InputPlan, name: str) -> IOSpec:
    if plan.size is None:
        raise BuildError("cannot prepare pictures: ladder.defaults.input says no size")
    channels = 1 if plan.colour == "GRAY" else 3
    sides = (channels, *plan.size) if plan.layout == "NCHW" else (*plan.size, channels)
    return IOSpec((TensorSpec(name, plan.dtype, (None, *sides)),), ())


def _input(prepare: ImageInput, file: Path) -> Array:
    try:
        if file.suffix.lower() in _JPEG:
            return prepare.prepare(Incoming(jpeg=file.read_bytes()))[0][0]
        with Image.open(file) as image:
            frame = np.asarray(image.convert("RGB"))
        return prepare.prepare(Incoming(arrays=(frame,)))[0][0]
    except (OSError, ValueError, Image.DecompressionBombError, EdgerundError) as e:
        raise BuildError(f"cannot use the picture {file}: {e}") from e


def _interleaved(files: Sequence[Path]) -> list[Path]:
    """One of each folder in turn, so that any beginning of the list holds every class."""
    groups: dict[Path, list[Path]] = {}
    for file in files:
        groups.setdefault(file.parent, []).append(file)
    turns = sorted(
        (i, n, f) for n, group in enumerate(groups.values()) for i, f in enumerate(group)
    )
    return [file for _, _, file in turns]


def _classes(files: Sequence[Path], labels: Sequence[str], folder: Path) -> Array | None:
    """The class of each file by its first subfolder; None where no subfolder is a class."""
    names = [file.parts[0] if len(file.parts) > 1 else "" for file in files]
    known = {label.strip().lower(): i for i, label in enumerate(labels)}
    known |= {str(i): i for i in range(max(len(labels), 100_000))} if _numbers(names) else {}
    of = [known.get(name.lower()) for name in names]
    strange = sorted({name for name, found in zip(names, of, strict=True) if found is None})
    if len(strange) == len(set(names)):
        return None
    if strange:
        listed = ", ".join(repr(s) for s in strange[:5])
        raise BuildError(
            f"cannot tell the class of the pictures in {folder} / {listed}: no label has that name"
        )
    return np.array(of, np.int64)


def _numbers(names: Sequence[str]) -> bool:
    return all(name.isdigit() for name in names)
