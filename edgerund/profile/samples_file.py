"""Reading labelled pictures: folders by class, arrays in an ``.npz``, or the packed form."""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from edgerund.errors import UsageError
from edgerund.ports import Array
from edgerund.profile.samples import Frame, Labels, Samples

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp", ".ppm")
_TILES = 20


def read_samples(path: Path, labels: Sequence[str] = (), most: int | None = None) -> Samples:
    """Read a set of pictures.

    Args:
        path: a folder with one subfolder per label (or pictures alone, which have no labels); an ``.npz`` with
            ``images`` (uint8 ``[N, h, w, 3]``) and, if known, ``labels``; the packed form ``webp``, ``offsets``,
            ``labels``; or a folder that holds ``test.npz``.
        labels: of the ladder, for the names of subfolders.
        most: no more than so many, evenly spread.

    Raises:
        UsageError: nothing there that can be used.
    """
    if path.is_dir() and (path / "test.npz").is_file():
        path = path / "test.npz"
    if path.is_dir():
        samples = _read_folder(path, labels)
    elif path.is_file():
        samples = _read_npz(path, labels)
    else:
        raise UsageError(f"cannot find the images: there is no {path}")
    return samples.take(most)


# ------------------------------------------------------------------ folders
class _Files(Sequence[Frame]):
    """Pictures that are read when they are asked for."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [_read_picture(file) for file in self.files[index]]
        return _read_picture(self.files[index])


def _read_picture(file: Path) -> Frame:
    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError) as e:
        raise UsageError(f"cannot read the picture {file}: {e}; remove it or mend it") from e


def _read_folder(folder: Path, labels: Sequence[str]) -> Samples:
    groups = {
        sub.name: _pictures(sub.rglob("*")) for sub in sorted(folder.iterdir()) if sub.is_dir()
    }
    named = {name: files for name, files in groups.items() if files}
    source = f"pictures in {folder.name}"
    if not named:
        alone = _pictures(folder.iterdir())
        if not alone:
            raise UsageError(
                f"cannot use {folder}: no pictures ({', '.join(SUFFIXES)}), no subfolders with pictures, no test.npz"
            )
        return Samples(frames=_Files(alone), source=source)
    numbers = _numbers(named, labels, folder)
    files = [file for name in named for file in named[name]]
    shown = np.array([numbers[name] for name in named for _ in named[name]], np.int64)
    return Samples(frames=_Files(files), labels=shown, source=source)


def _pictures(files: Iterable[Path]) -> list[Path]:
    return sorted(f for f in files if f.is_file() and f.suffix.lower() in SUFFIXES)


def _numbers(
    named: Mapping[str, list[Path]], labels: Sequence[str], folder: Path
) -> dict[str, int]:
    """From a subfolder's name to the number of a label; without labels the names are numbers."""
    known = {_plain(label): i for i, label in enumerate(labels)}
    known |= {str(i): i for i in range(len(labels) or 100_000)}
    strange = [name for name in named if _plain(name) not in known]
    if strange:
        raise UsageError(
            f"cannot tell what the pictures in {folder / strange[0]} show: {strange[0]!r} is no label of the ladder "
            f"({len(strange)} of {len(named)} subfolders are none); name subfolders like the labels or their numbers"
        )
    return {name: known[_plain(name)] for name in named}


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


# ------------------------------------------------------------------ arrays
def _read_npz(file: Path, labels: Sequence[str]) -> Samples:
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as e:
        raise UsageError(f"cannot read {file}: {e}; give an .npz with images and labels") from e
    if {"webp", "offsets"} <= arrays.keys():
        frames = _unpack(file, arrays["webp"].tobytes(), arrays["offsets"])
    elif "images" in arrays:
        frames = arrays["images"]
    else:
        raise UsageError(
            f"cannot use {file}: it holds {', '.join(sorted(arrays)) or 'nothing'}; needed are images (uint8, "
            "N x height x width x 3) and labels"
        )
    if frames.dtype != np.uint8 or frames.ndim not in (3, 4) or not len(frames):
        raise UsageError(
            f"cannot use the images of {file}: {frames.dtype} {list(frames.shape)}; needed is uint8, N x height x "
            "width x 3"
        )
    if frames.ndim == 4 and frames.shape[3] != 3:
        raise UsageError(f"cannot use the images of {file}: {frames.shape[3]} channels, not 3")
    shown = arrays.get("labels")
    return Samples(
        frames=frames,
        labels=None if shown is None else _checked(file, shown, arrays, labels, len(frames)),
        source=f"{file.name}",
    )


def _unpack(file: Path, data: bytes, offsets: Array) -> Frame:
    """Lossless mosaics of 20 x 20 square pictures."""
    tiles = []
    try:
        for begin, end in itertools.pairwise(offsets.tolist()):
            mosaic = np.asarray(Image.open(io.BytesIO(data[begin:end])).convert("RGB"))
            side = mosaic.shape[0] // _TILES
            grid = mosaic.reshape(_TILES, side, _TILES, side, 3)
            tiles.append(grid.transpose(0, 2, 1, 3, 4).reshape(-1, side, side, 3))
        return np.concatenate(tiles)
    except (OSError, ValueError) as e:
        raise UsageError(f"cannot unpack {file}: {e}; fetch it anew") from e


def _checked(
    file: Path, shown: Array, arrays: Mapping[str, Array], labels: Sequence[str], count: int
) -> Labels:
    if shown.shape != (count,) or shown.dtype.kind not in "iu":
        raise UsageError(
            f"cannot use the labels of {file}: {shown.dtype} {list(shown.shape)} for {count} images"
        )
    numbers: Labels = shown.astype(np.int64)
    classes = arrays.get("classes")
    if classes is not None and labels and classes.dtype.kind in "US":
        own = [_plain(str(name)) for name in classes.tolist()]
        known = {_plain(label): i for i, label in enumerate(labels)}
        strange = [name for name in own if name not in known]
        if strange:
            raise UsageError(
                f"cannot use the labels of {file}: its class {strange[0]!r} is no label of the ladder"
            )
        numbers = np.array([known[name] for name in own], np.int64)[numbers]
    if labels and not 0 <= numbers.min() <= numbers.max() < len(labels):
        raise UsageError(
            f"cannot use the labels of {file}: they run from {numbers.min()} to {numbers.max()}, the ladder has "
            f"{len(labels)} labels"
        )
    return numbers
