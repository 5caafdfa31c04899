"""The data of a build: what a recipe's own function gives, or folders of pictures and files of arrays."""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.build.pictures import read_pictures
from edgerund.build.recipe import DataFile, LadderHead, Recipe, is_function
from edgerund.build.technique import Data, Images
from edgerund.config.ladder_file import VariantFile
from edgerund.config.ladder_merge import merge
from edgerund.errors import BuildError
from edgerund.types import InputPlan

_LABELS = "labels"


@dataclass(frozen=True)
class Source:
    """Where the data comes from; travels to other processes, the data does not.

    ``folder`` is the recipe's, ``data`` is where the data set lies if that is elsewhere.
    """

    recipe: Recipe
    folder: Path
    data: Path | None
    seed: int

    def load(self) -> Data:
        """The data. Raises BuildError: it cannot be found or read, or holds nothing."""
        written = self.recipe.data
        if isinstance(written, str) and is_function(written):
            made = find_function(written, self.folder)(self.data or self.folder, self.seed)
            if not isinstance(made, Data):
                raise BuildError(f"cannot use {written}: it gave no edgerund.build.technique.Data")
            return made
        parts = DataFile(calibration=written) if isinstance(written, str) else written
        return _from_files(
            parts, self.recipe.ladder, self.folder, self.data or self.folder, self.seed
        )


def find_function(name: str, folder: Path) -> Any:
    """What ``module:function`` names; modules beside the recipe and in the current folder are found too.

    Raises:
        BuildError: no such module or function, or one that cannot be imported.
    """
    for place in (str(Path.cwd()), str(folder)):
        if place not in sys.path:
            sys.path.append(place)
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as e:
        raise BuildError(f"cannot use {name}: {e}") from e


def _from_files(parts: DataFile, head: LadderHead, folder: Path, root: Path, seed: int) -> Data:
    plan = merge(head.defaults, VariantFile(name="data", file="-"), head.task).input
    labels = ladder_labels(head, folder)

    def read(name: str) -> Images:
        return _read(root / name, parts, plan, labels)

    calibration = read(parts.calibration)
    if parts.validation is not None:
        validation = read(parts.validation)
    else:
        calibration, validation = _held_out(calibration, parts.holdout, seed)
    test = parts.test
    return Data(calibration, validation, (lambda: read(test)) if test else (lambda: validation))


def ladder_labels(head: LadderHead, folder: Path) -> Sequence[str]:
    """The labels of the ladder; none where it has none. Raises BuildError."""
    if head.labels_file is None:
        return head.labels or ()
    try:
        return (folder / head.labels_file).read_text(encoding="utf-8").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise BuildError(f"cannot read the labels {folder / head.labels_file}: {e}") from e


def _held_out(images: Images, share: float, seed: int) -> tuple[Images, Images]:
    """Calibration and validation: every image is in one of them, which one is drawn."""
    count = len(images)
    if count < 2:
        raise BuildError(f"cannot hold images out of {count}: give at least 2, better 64 or more")
    kept = min(max(1, round(count * share)), count - 1)
    drawn = np.zeros(count, bool)
    drawn[np.random.default_rng(seed).permutation(count)[:kept]] = True
    return _where(images, ~drawn), _where(images, drawn)


def _where(images: Images, mask: Any) -> Images:
    labels = None if images.labels is None else images.labels[mask]
    return Images({name: values[mask] for name, values in images.inputs.items()}, labels)


def _read(path: Path, parts: DataFile, plan: InputPlan | None, labels: Sequence[str]) -> Images:
    if path.is_dir():
        arrays = sorted(p for p in path.iterdir() if p.suffix in (".npy", ".npz"))
        if arrays:
            return _joined([_arrays(file, parts.input) for file in arrays], path).take(
                0, parts.limit or sys.maxsize
            )
        if plan is None:
            raise BuildError(
                f"cannot use the pictures in {path}: the ladder says nothing of how a frame becomes the input "
                "(ladder.defaults.input); give .npz files of inputs"
            )
        return read_pictures(path, plan, parts.input, labels, parts.limit)
    if path.suffix not in (".npy", ".npz") or not path.is_file():
        raise BuildError(
            f"cannot find the data {path}: a folder, or a file .npz or .npy, is needed"
        )
    return _arrays(path, parts.input).take(0, parts.limit or sys.maxsize)


def _arrays(file: Path, name: str) -> Images:
    try:
        stored = np.load(file, allow_pickle=False)
        arrays = {name: stored} if file.suffix == ".npy" else {k: stored[k] for k in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile) as e:
        raise BuildError(f"cannot read {file}: {e}") from e
    labels = arrays.pop(_LABELS, None)
    counts = {len(a) if a.ndim else 0 for a in arrays.values()}
    if len(counts) != 1 or 0 in counts or (labels is not None and len(labels) not in counts):
        raise BuildError(
            f"cannot use {file}: its arrays must hold the same number of inputs, not 0"
        )
    return Images(arrays, None if labels is None else labels.astype(np.int64))


def _joined(parts: Sequence[Images], folder: Path) -> Images:
    names = set(parts[0].inputs)
    labelled = parts[0].labels is not None
    if any(set(p.inputs) != names or (p.labels is not None) != labelled for p in parts):
        raise BuildError(f"cannot join the files in {folder}: they hold different arrays")
    try:
        inputs = {n: np.concatenate([p.inputs[n] for p in parts]) for n in parts[0].inputs}
    except ValueError as e:
        raise BuildError(f"cannot join the files in {folder}: {e}") from e
    found = [p.labels for p in parts if p.labels is not None]
    return Images(inputs, np.concatenate(found) if labelled else None)
