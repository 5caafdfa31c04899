"""Every form of the data set gives the same images; the split is fixed; foreign pickles are refused."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.cifar10 import data

COUNT = 400  # one mosaic of the packed form


@pytest.fixture
def made_up() -> data.Part:
    rng = np.random.default_rng(3)
    return data.Part(
        rng.integers(0, 256, (COUNT, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, COUNT)
    )


def write_batches(folder: Path, part: data.Part) -> None:
    folder.mkdir()
    batch = {b"data": part.images.reshape(COUNT, -1), b"labels": part.labels.tolist()}
    for name in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
        (folder / name).write_bytes(pickle.dumps(batch))


def write_packed(path: Path, part: data.Part) -> None:
    mosaic = part.images.reshape(20, 20, 3, 32, 32).transpose(0, 3, 1, 4, 2).reshape(640, 640, 3)
    webp = io.BytesIO()
    Image.fromarray(mosaic).save(webp, "WEBP", lossless=True)
    blob = np.frombuffer(webp.getvalue(), np.uint8)
    np.savez(path, webp=blob, offsets=np.array([0, len(blob)]), labels=part.labels)


def test_the_official_folder_and_the_packed_form_give_the_same_images(
    tmp_path: Path, made_up: data.Part
) -> None:
    write_batches(tmp_path / "cifar-10-batches-py", made_up)
    official = data.load(tmp_path, "test")
    (tmp_path / "packed").mkdir()
    write_packed(tmp_path / "packed" / "test.npz", made_up)
    packed = data.load(tmp_path / "packed", "test")
    for part in (official, packed):
        assert np.array_equal(part.images, made_up.images)
        assert np.array_equal(part.labels, made_up.labels)


def test_train_joins_five_batches(tmp_path: Path, made_up: data.Part) -> None:
    write_batches(tmp_path / "cifar-10-batches-py", made_up)
    assert len(data.load(tmp_path / "cifar-10-batches-py", "train")) == 5 * COUNT


def test_a_tar_with_another_checksum_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / data.OFFICIAL_TAR, "w:gz"):
        pass
    with pytest.raises(ValueError, match="MD5"):
        data.load(tmp_path, "test")


class Foreign:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def test_a_batch_that_would_run_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_batch").write_bytes(pickle.dumps(Foreign()))
    with pytest.raises(pickle.UnpicklingError, match="system"):
        data.load(tmp_path, "test")


def test_a_folder_without_the_data_set_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="cifar-10-batches-py"):
        data.load(tmp_path, "test")


def test_the_split_is_fixed_and_loses_nothing(made_up: data.Part) -> None:
    train, validation = data.split(made_up, held_out=50)
    again, _ = data.split(made_up, held_out=50)
    assert (len(train), len(validation)) == (COUNT - 50, 50)
    assert np.array_equal(train.images, again.images)
    both = np.concatenate([train.images, validation.images]).reshape(COUNT, -1)
    assert len(np.unique(both, axis=0)) == COUNT
