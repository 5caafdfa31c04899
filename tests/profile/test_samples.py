from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgerund.errors import UsageError
from edgerund.profile.corruptions import CONSTANTS, SEVERITIES, corrupt, shrunk
from edgerund.profile.samples import Samples, frames_of_inputs, samples_of_inputs
from edgerund.profile.samples_file import read_samples
from edgerund.types import InputPlan
from tests.shared_data import shared

LABELS = ["sea lion", "Dog"]


def picture(path: Path, value: int = 7, size: tuple[int, int] = (6, 5)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 0, 0)).save(path)


def test_subfolders_are_labels_by_name_or_number(tmp_path: Path) -> None:
    picture(tmp_path / "a/sea_lion/x.png", 1)
    picture(tmp_path / "a/dog/deep/y.jpg", 2)
    picture(tmp_path / "a/dog/z.bmp", 3, (9, 4))
    (tmp_path / "a/dog/notes.txt").write_text("no picture")
    samples = read_samples(tmp_path / "a", LABELS)
    assert samples.labels is not None
    assert samples.labels.tolist() == [1, 1, 0]
    assert [f.shape for f in samples.frames] == [(5, 6, 3), (4, 9, 3), (5, 6, 3)]
    picture(tmp_path / "b/0/x.png")
    picture(tmp_path / "b/1/x.png")
    numbered = read_samples(tmp_path / "b", LABELS)
    assert numbered.labels is not None
    assert numbered.labels.tolist() == [0, 1]


def test_pictures_without_subfolders_have_no_labels(tmp_path: Path) -> None:
    picture(tmp_path / "one.png")
    assert read_samples(tmp_path, LABELS).labels is None


def test_arrays_and_their_labels_are_read(tmp_path: Path) -> None:
    file = tmp_path / "set.npz"
    images = np.arange(4 * 5 * 6 * 3).reshape(4, 5, 6, 3).astype(np.uint8)
    np.savez(file, images=images, labels=np.array([0, 1, 1, 0], np.uint8))
    samples = read_samples(file, LABELS)
    assert samples.labels is not None
    assert samples.labels.tolist() == [0, 1, 1, 0]
    assert (samples.frames[2] == images[2]).all()
    assert len(read_samples(file, LABELS, most=2)) == 2


def test_classes_of_the_file_are_matched_with_the_ladder_by_name(tmp_path: Path) -> None:
    file = tmp_path / "test.npz"
    classes = np.array(["dog", "Sea-Lion"])
    np.savez(
        file, images=np.zeros((2, 4, 4, 3), np.uint8), labels=np.array([0, 1]), classes=classes
    )
    samples = read_samples(tmp_path, LABELS)
    assert samples.labels is not None
    assert samples.labels.tolist() == [1, 0]


def test_the_packed_form_is_read() -> None:
    folder = shared("cifar10")
    samples = read_samples(folder, most=50)
    assert len(samples) == 50
    assert samples.frames[0].shape == (32, 32, 3)


def _npz(**arrays: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.savez(folder / "x.npz", **arrays)
        return folder / "x.npz"

    return write


def _folder(*names: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        for name in names:
            picture(folder / "set" / name)
        (folder / "set").mkdir(exist_ok=True)
        return folder / "set"

    return write


FRAMES = np.zeros((2, 4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "nowhere", "there is no"),
        (_folder(), "no pictures"),
        (_folder("walrus/x.png"), "is no label of the ladder"),
        (_npz(pixels=FRAMES), "needed are images"),
        (_npz(images=FRAMES.astype(np.float32), labels=np.zeros(2, int)), "needed is uint8"),
        (_npz(images=FRAMES[..., :2], labels=np.zeros(2, int)), "2 channels"),
        (_npz(images=FRAMES, labels=np.zeros(3, int)), "for 2 images"),
        (_npz(images=FRAMES, labels=np.array([0, 2])), "the ladder has 2 labels"),
        (_npz(images=FRAMES, labels=np.array([0, 1]), classes=np.array(["dog", "cat"])), "'cat'"),
        (_npz(webp=np.zeros(9, np.uint8), offsets=np.array([0, 9])), "cannot unpack"),
    ],
)
def test_a_wrong_data_set_is_told(make: Callable[[Path], Path], says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        read_samples(make(tmp_path), LABELS)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog/x.png").write_bytes(b"\x89PNG no more")
    with pytest.raises(UsageError, match=r"x\.png"):
        read_samples(tmp_path, LABELS).frames[0]


@given(
    st.sampled_from(("NCHW", "NHWC")),
    st.sampled_from(("RGB", "BGR")),
    st.sampled_from(((255.0, 0.0, 1.0), (127.5, 1.0, 1.0), (1.0, 0.0, 1.0), (255.0, 0.485, 0.229))),
)
def test_network_inputs_become_the_pictures_they_were(
    layout: Any, colour: Any, numbers: tuple[float, float, float]
) -> None:
    scale, mean, std = numbers
    frames = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3).astype(np.uint8)
    shown = frames[..., ::-1] if colour == "BGR" else frames
    stored = ((shown / np.float32(scale)) - np.float32(mean)) / np.float32(std)
    stored = stored.transpose(0, 3, 1, 2) if layout == "NCHW" else stored
    plan = InputPlan((4, 5), layout, colour, scale=scale, mean=(mean,), std=(std,))
    found = frames_of_inputs(stored.astype(np.float32), plan)
    assert found is not None
    assert (found == frames).all()


def test_inputs_that_are_no_pictures_stay_what_they_are() -> None:
    odd = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 3, 2, 2) / 3
    samples = samples_of_inputs([odd], None, InputPlan((2, 2)))
    assert len(samples.frames) == 0
    assert len(samples) == 2
    assert samples.inputs[1][0].shape == (1, 3, 2, 2)


def test_chunks_hold_everything_once_and_in_order() -> None:
    samples = Samples(frames=np.arange(600, dtype=np.uint8)[:, None, None] % 251)
    chunks = list(samples.chunks())
    assert [begin for begin, _ in chunks] == [0, 256, 512]
    assert sum(len(chunk) for _, chunk in chunks) == 600


@pytest.mark.parametrize("kind", CONSTANTS)
@pytest.mark.parametrize("size", [(32, 32, 3), (80, 70, 3), (32, 33)])
def test_corruptions_keep_the_form_and_grow_with_severity(kind: str, size: tuple[int, ...]) -> None:
    frame = np.random.default_rng(1).integers(0, 200, size).astype(np.uint8)
    before = frame.copy()
    damage = []
    for severity in SEVERITIES:
        spoilt = corrupt(frame, kind, severity, number=3)
        assert spoilt.shape == frame.shape
        assert spoilt.dtype == np.uint8
        assert (spoilt == corrupt(frame, kind, severity, number=3)).all()
        damage.append(float(np.abs(spoilt.astype(float) - frame).mean()))
    assert damage == sorted(damage)
    assert damage[0] > 0
    assert (frame == before).all()


def test_the_noise_differs_from_picture_to_picture() -> None:
    frame = np.full((32, 32, 3), 128, np.uint8)
    assert (corrupt(frame, "noise", 1, 0) != corrupt(frame, "noise", 1, 1)).any()
    spoilt = corrupt(frame, "noise", 3, 0).astype(float) - 128
    assert spoilt.std() == pytest.approx(0.08 * 255, rel=0.1)


def test_large_pictures_are_shrunk_and_small_ones_are_not() -> None:
    assert shrunk(np.zeros((100, 200, 3), np.uint8), 50).shape == (50, 100, 3)
    assert shrunk(np.zeros((40, 200, 3), np.uint8), 50).shape == (40, 200, 3)
