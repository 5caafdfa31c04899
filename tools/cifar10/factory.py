"""The functions that ``variants/cifar10/recipe.yaml`` names: data, model, fit and export.

The data set is not downloaded unless asked: ``python -m tools.cifar10.factory FOLDER`` fetches the official archive
into FOLDER, and its MD5 is checked before it is opened.
"""

from __future__ import annotations

import argparse
import hashlib
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from torch import nn

from edgerund.build.technique import Data, Images, Progress
from edgerund.errors import BuildError

from .data import OFFICIAL_MD5, OFFICIAL_TAR, Part, load, split
from .epochs import Terms, run
from .export import fold, to_onnx
from .nets import LAYOUTS, ConvNet

OFFICIAL_URL = f"https://www.cs.toronto.edu/~kriz/{OFFICIAL_TAR}"
CALIBRATION_IMAGES = 512


def data(folder: Path, seed: int) -> Data:  # noqa: ARG001 - the split is the same for every seed
    """CIFAR-10 from ``folder``, in any form of ``tools/cifar10/data.py``.

    2,000 of the training images choose between models; 512 others calibrate; the 10,000 test images are read
    when the cards are written.

    Raises:
        BuildError: the data set is not there, or is another one.
    """
    try:
        train, validation = split(load(folder, "train"))
    except (FileNotFoundError, ValueError) as e:
        raise BuildError(f"{e}; fetch it with: python -m tools.cifar10.factory {folder}") from e
    calibration = train.take(np.arange(CALIBRATION_IMAGES))
    return Data(
        _images(calibration), _images(validation), lambda: _images(load(folder, "test")), train
    )


def _images(part: Part) -> Images:
    return Images({"image": part.images.astype(np.float32) / np.float32(255)}, part.labels)


def model(layout: str = "top") -> ConvNet:
    """One of ``LAYOUTS``; its stem is set from the images when training begins."""
    net = ConvNet(LAYOUTS[layout])
    net.whiten.weight.requires_grad_(False)
    return net


def fit(
    model: nn.Module,
    data: Data,
    *,
    epochs: int,
    seed: int,
    threads: int,
    start: float,
    teacher: Any,
    checkpoint: Path,
    progress: Progress,
    **options: Any,
) -> None:
    """Train in place; see ``epochs.Terms`` for the options."""
    terms = Terms(epochs=epochs, seed=seed, workers=threads, start=start, **options)
    run(model, data, terms, teacher, checkpoint, progress)


def export(model: ConvNet, path: Path) -> None:
    """Batch norm and normalisation folded, weights inside: see export.py."""
    onnx.save(to_onnx(fold(model), "cifar10"), path)


def fetch(folder: Path, url: str = OFFICIAL_URL) -> Path:
    """Download the official archive unless it is there, and check it.

    Raises:
        BuildError: it cannot be fetched, or its MD5 is not the published one.
    """
    path = folder / OFFICIAL_TAR
    folder.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        part = path.with_suffix(".part")
        try:
            urllib.request.urlretrieve(url, part)
        except OSError as e:
            raise BuildError(
                f"cannot fetch {url}: {e}; put the archive into {folder} by hand"
            ) from e
        part.replace(path)
    with path.open("rb") as f:
        digest = hashlib.md5(f.read(), usedforsecurity=False).hexdigest()
    if digest != OFFICIAL_MD5:
        raise BuildError(
            f"cannot use {path}: its MD5 is {digest}, not {OFFICIAL_MD5}; delete it and fetch again"
        )
    return path


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Fetch CIFAR-10 and check it.")
    parser.add_argument("folder", type=Path)
    print(f"{fetch(parser.parse_args().folder)}: MD5 {OFFICIAL_MD5}, as published")


if __name__ == "__main__":
    main()
