from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgerund.types.plan import Fit
from edgerund.vision.fit import fit_pixels, fitted_size, place, to_frame, to_gray
from tests.vision.plans import Array

sides = st.integers(1, 4000)
input_sides = st.integers(8, 1280)
FITS: list[Fit] = ["stretch", "letterbox", "crop"]


def picture(height: int, width: int) -> Array:
    """A smooth gradient plus one sharp square, so that misplacing it shows."""
    y, x = np.mgrid[0:height, 0:width]
    frame = np.stack([x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), x * 0 + 60], 2)
    frame[height // 4 : height // 2, width // 4 : width // 2] = 255
    return frame.astype(np.uint8)


@given(sides, sides, input_sides, input_sides, st.sampled_from(FITS), st.data())
def test_a_box_survives_the_way_into_the_input_and_back(
    fw: int, fh: int, iw: int, ih: int, fit: Fit, data: st.DataObject
) -> None:
    g = place((fw, fh), (iw, ih), fit)
    x = sorted(data.draw(st.lists(st.floats(0, fw), min_size=2, max_size=2)))
    y = sorted(data.draw(st.lists(st.floats(0, fh), min_size=2, max_size=2)))
    box = np.array([[x[0], y[0], x[1], y[1]]])
    in_input = box * np.array([g.scale_x, g.scale_y] * 2)
    in_input = (in_input + np.array([g.pad_x, g.pad_y] * 2)).astype(np.float32)
    assert np.abs(to_frame(in_input, g) - box).max() < 1.0


@given(sides, sides, input_sides, input_sides)
def test_a_letterboxed_frame_lies_inside_the_input_and_touches_two_sides(
    fw: int, fh: int, iw: int, ih: int
) -> None:
    g = place((fw, fh), (iw, ih), "letterbox")
    w, h = fitted_size(g)
    assert w == iw or h == ih
    assert w <= iw
    assert h <= ih
    assert 0 <= iw - w - 2 * g.pad_x <= 1
    assert 0 <= ih - h - 2 * g.pad_y <= 1


@given(sides, sides, input_sides, input_sides)
def test_a_crop_fills_the_input_from_the_middle(fw: int, fh: int, iw: int, ih: int) -> None:
    g = place((fw, fh), (iw, ih), "crop")
    assert g.scale_x == g.scale_y
    assert max(g.pad_x, g.pad_y) <= 1e-6
    assert fw * g.scale_x + g.pad_x >= iw - 1e-6
    assert fh * g.scale_y + g.pad_y >= ih - 1e-6


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 64),
    st.integers(1, 64),
    st.sampled_from(FITS),
    st.booleans(),
)
def test_pixels_always_have_the_inputs_size(
    fw: int, fh: int, iw: int, ih: int, fit: Fit, gray: bool
) -> None:
    frame = picture(fh, fw)[:, :, 0] if gray else picture(fh, fw)
    g = place((fw, fh), (iw, ih), fit)
    fitted = fit_pixels(frame, g, fit, 114)
    assert fitted.shape == (ih, iw, *frame.shape[2:])
    assert fitted.dtype == np.uint8


@pytest.mark.parametrize("fit", FITS)
def test_a_frame_of_the_right_size_is_not_even_copied(fit: Fit) -> None:
    frame = picture(48, 64)
    assert fit_pixels(frame, place((64, 48), (64, 48), fit), fit, 0) is frame


def test_stretch_is_pillows_bilinear() -> None:
    frame = picture(60, 90)
    wanted = np.asarray(Image.fromarray(frame).resize((64, 48), Image.Resampling.BILINEAR))
    got = fit_pixels(frame, place((90, 60), (64, 48), "stretch"), "stretch", 0)
    assert np.array_equal(got, wanted)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(640, 480), (100, 333), (31, 17)])
def test_pixels_lie_where_the_geometry_says(fit: Fit, size: tuple[int, int]) -> None:
    fw, fh = size
    frame = np.zeros((fh, fw), np.uint8)
    x0, x1, y0, y1 = fw * 7 // 16, fw * 9 // 16, fh * 7 // 16, fh * 9 // 16
    frame[y0:y1, x0:x1] = 255
    g = place(size, (128, 96), fit)
    fitted = fit_pixels(frame, g, fit, 0).astype(float) / 255
    ys, xs = np.mgrid[0:96, 0:128] + 0.5
    centre = np.array([(xs * fitted).sum(), (ys * fitted).sum()]) / fitted.sum()
    wanted = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) * [g.scale_x, g.scale_y] + [g.pad_x, g.pad_y]
    assert np.abs(centre - wanted).max() < 1.0
    area = (x1 - x0) * g.scale_x * (y1 - y0) * g.scale_y
    assert fitted.sum() == pytest.approx(area, rel=0.08)


def test_a_letterbox_is_padded_with_the_plans_value() -> None:
    fitted = fit_pixels(picture(10, 40), place((40, 10), (20, 20), "letterbox"), "letterbox", 77)
    assert (fitted[:7] == 77).all()
    assert (fitted[12:] == 77).all()
    assert not (fitted[7:12] == 77).all()


def test_a_crop_without_scaling_keeps_whole_pixels() -> None:
    frame = picture(33, 48)
    g = place((48, 33), (33, 33), "crop")
    fitted = fit_pixels(frame, g, "crop", 0)
    left = int(-g.pad_x)
    assert np.array_equal(fitted, frame[:, left : left + 33])
    assert left in (7, 8)


def test_a_reduced_frame_is_cropped_at_the_same_place() -> None:
    frame = picture(400, 640)
    half = np.asarray(Image.fromarray(frame).reduce(2))
    g = place((640, 400), (64, 64), "crop")
    whole, reduced = (fit_pixels(f, g, "crop", 0).astype(int) for f in (frame, half))
    assert np.abs(whole - reduced).mean() < 1.0


def test_bgr_views_are_resized_channel_by_channel() -> None:
    frame = picture(60, 90)
    g = place((90, 60), (30, 20), "stretch")
    forward = fit_pixels(frame, g, "stretch", 0)
    assert np.array_equal(fit_pixels(frame[:, :, ::-1], g, "stretch", 0), forward[:, :, ::-1])


def test_a_much_larger_frame_differs_little_from_the_full_filter() -> None:
    frame = picture(1080, 1920)
    got = fit_pixels(frame, place((1920, 1080), (320, 180), "stretch"), "stretch", 0)
    full = np.asarray(Image.fromarray(frame).resize((320, 180), Image.Resampling.BILINEAR))
    assert np.abs(got.astype(int) - full).mean() < 0.5


def test_boxes_are_clipped_to_the_frame() -> None:
    g = place((100, 50), (200, 200), "letterbox")
    boxes = np.array([[-10.0, 0.0, 300.0, 200.0]], np.float32)
    assert to_frame(boxes, g).tolist() == [[0.0, 0.0, 100.0, 50.0]]


def test_gray_is_the_luma_and_gray_stays_gray() -> None:
    frame = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert to_gray(frame).tolist() == [[76, 150, 29]]
    assert to_gray(frame[:, :, ::-1]).tolist() == [[29, 150, 76]]
    flat = to_gray(frame)
    assert to_gray(flat) is flat
