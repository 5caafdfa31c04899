"""CIFAR-10 as arrays: reading it, and the fixed split into training and validation images.

Three forms of the data set are read, all giving the same images (Krizhevsky 2009):

* the folder ``cifar-10-batches-py`` of the official distribution,
* the official ``cifar-10-python.tar.gz``, whose MD5 is checked before it is opened,
* a packed form: ``train.npz`` and ``test.npz`` with lossless WebP mosaics of 20 x 20 images.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import pickle
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)
OFFICIAL_TAR = "cifar-10-python.tar.gz"
OFFICIAL_MD5 = "c58f30108f718f92721af3b95e74349a"
VALIDATION_IMAGES = 2000
SPLIT_SEED = 20090408


@dataclass(frozen=True)
class Part:
    """Images ``uint8 [N, 3, 32, 32]`` (RGB) and their labels ``int64 [N]``."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: npt.NDArray[np.int64]) -> Part:
        """The images at ``index``."""
        return Part(self.images[index], self.labels[index])


def load(folder: Path, name: str) -> Part:
    """Read ``name`` ("train" or "test") from whichever form of the data set is in ``folder``."""
    if name not in ("train", "test"):
        raise ValueError(f"cannot load part {name!r}: expected 'train' or 'test'")
    if (folder / f"{name}.npz").is_file():
        return _load_packed(folder / f"{name}.npz")
    for base in (folder, folder / "cifar-10-batches-py"):
        if (base / "test_batch").is_file():
            return _join([(base / batch).read_bytes() for batch in _batch_names(name)])
    if (folder / OFFICIAL_TAR).is_file():
        return _load_tar(folder / OFFICIAL_TAR, name)
    raise FileNotFoundError(
        f"cannot find CIFAR-10 in {folder}: no {name}.npz, cifar-10-batches-py or {OFFICIAL_TAR}"
    )


def split(
    part: Part, held_out: int = VALIDATION_IMAGES, seed: int = SPLIT_SEED
) -> tuple[Part, Part]:
    """Split into (train, validation), the same way for the same data order and seed."""
    order = np.random.default_rng(seed).permutation(len(part))
    return part.take(order[held_out:]), part.take(order[:held_out])


def _batch_names(name: str) -> list[str]:
    return ["test_batch"] if name == "test" else [f"data_batch_{i}" for i in range(1, 6)]


def _load_packed(path: Path) -> Part:
    from PIL import Image

    with np.load(path) as packed:
        offsets, blob = packed["offsets"], packed["webp"].tobytes()
        labels = packed["labels"].astype(np.int64)
    tiles = []
    for begin, end in itertools.pairwise(offsets):
        mosaic = np.asarray(Image.open(io.BytesIO(blob[begin:end])).convert("RGB"))
        grid = mosaic.reshape(20, 32, 20, 32, 3)
        tiles.append(grid.transpose(0, 2, 4, 1, 3).reshape(-1, 3, 32, 32))
    return Part(np.ascontiguousarray(np.concatenate(tiles)), labels)


def _load_tar(path: Path, name: str) -> Part:
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    if digest != OFFICIAL_MD5:
        raise ValueError(f"cannot use {path}: MD5 is {digest}, expected {OFFICIAL_MD5}")
    blobs = []
    with tarfile.open(path) as tar:
        for batch in _batch_names(name):
            member = tar.extractfile(f"cifar-10-batches-py/{batch}")
            if member is None:
                raise ValueError(f"cannot read {batch} from {path}")
            blobs.append(member.read())
    return _join(blobs)


class _ArraysOnly(pickle.Unpickler):
    """Unpickles the official batches and refuses every class that they do not need."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy") and name in ("_reconstruct", "ndarray", "dtype"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"cannot accept {module}.{name} in a CIFAR-10 batch")


def _join(blobs: list[bytes]) -> Part:
    batches = [_ArraysOnly(io.BytesIO(blob), encoding="bytes").load() for blob in blobs]
    images = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([batch[b"labels"] for batch in batches]).astype(np.int64)
    return Part(np.ascontiguousarray(images), labels)
