from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgerund.errors import BadRequest, RequestError, TooLarge
from edgerund.ports import Incoming
from edgerund.types import InputPlan
from edgerund.types.plan import Colour, Fit
from edgerund.vision.codec import MAX_SCANS, decode_jpeg
from edgerund.vision.prepare import ImageInput
from tests.shared_data import shared
from tests.vision.plans import image_spec


def jpeg(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def gradient(width: int, height: int, mode: str = "RGB") -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    frame = np.stack([x * 255 // width, y * 255 // height, (x + y) * 0 + 90], 2).astype(np.uint8)
    return Image.fromarray(frame).convert(mode)


BASELINE = jpeg(gradient(64, 48))
PROGRESSIVE = jpeg(gradient(64, 48), progressive=True)


def with_size(data: bytes, width: int, height: int) -> bytes:
    """The same file, claiming another size in its frame header (SOF)."""
    at = next(data.index(m) for m in (b"\xff\xc0", b"\xff\xc2") if m in data)
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


@pytest.mark.parametrize("data", [BASELINE, PROGRESSIVE])
def test_pixels_and_size_come_out(data: bytes) -> None:
    pixels, size = decode_jpeg(memoryview(data), 10_000)
    assert size == (64, 48)
    assert np.abs(pixels.astype(int) - np.asarray(gradient(64, 48))).mean() < 3


def test_gray_stays_gray_and_cmyk_becomes_rgb() -> None:
    gray, _ = decode_jpeg(jpeg(gradient(64, 48, "L")), 10_000)
    assert gray.shape == (48, 64)
    cmyk, _ = decode_jpeg(jpeg(gradient(64, 48, "CMYK")), 10_000)
    assert cmyk.shape == (48, 64, 3)


def test_luma_alone_where_only_gray_is_wanted() -> None:
    gray, _ = decode_jpeg(BASELINE, 10_000, gray=True)
    assert np.abs(gray.astype(int) - np.asarray(gradient(64, 48, "L"))).mean() < 3


def test_orientation_is_ignored_because_boxes_are_in_stored_pixels() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels, size = decode_jpeg(jpeg(gradient(64, 48), exif=exif), 10_000)
    assert size == (64, 48)
    assert pixels.shape == (48, 64, 3)


def test_a_much_larger_frame_is_decoded_smaller_but_remembers_its_size() -> None:
    data = jpeg(gradient(1920, 1080))
    pixels, size = decode_jpeg(data, 10**7, lambda _sent: (320, 180))
    assert size == (1920, 1080)
    assert pixels.shape == (540, 960, 3)
    full, _ = decode_jpeg(data, 10**7, lambda _sent: (961, 541))
    assert full.shape == (1080, 1920, 3)


@pytest.mark.parametrize("fit", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("colour", ["RGB", "BGR", "GRAY"])
def test_a_jpeg_and_its_pixels_give_nearly_the_same_input(fit: Fit, colour: Colour) -> None:
    image = gradient(1000, 700)
    channels = 1 if colour == "GRAY" else 3
    plan = InputPlan(fit=fit, colour=colour, scale=1.0)
    made = ImageInput("v", plan, image_spec((1, channels, 96, 128)), 10**6)
    (raw,), g_raw = made.prepare(Incoming((np.asarray(image),)))
    (sent,), g_sent = made.prepare(Incoming(jpeg=jpeg(image, quality=95)))
    assert g_raw == g_sent
    assert np.abs(raw - sent).mean() < 2


def test_size_is_refused_before_anything_is_decoded() -> None:
    bomb = with_size(BASELINE, 65_000, 65_000)
    with pytest.raises(TooLarge, match="65000 x 65000 pixels"):
        decode_jpeg(bomb, 64_000_000)


def test_a_size_of_zero_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"^cannot "):
        decode_jpeg(with_size(BASELINE, 0, 48), 10_000)


def test_a_bomb_of_scans_is_refused() -> None:
    at = PROGRESSIVE.rindex(b"\xff\xda")
    scan = PROGRESSIVE[at:-2]
    bomb = PROGRESSIVE[:-2] + scan * MAX_SCANS + b"\xff\xd9"
    with pytest.raises(BadRequest, match="scans"):
        decode_jpeg(bomb, 10_000)


@pytest.mark.parametrize("kept", [3, 10, 100, 400, len(BASELINE) // 2, len(BASELINE) - 20])
def test_a_truncated_file_is_refused(kept: int) -> None:
    with pytest.raises(BadRequest, match=r"^cannot "):
        decode_jpeg(BASELINE[:kept], 10_000)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_other_formats_are_refused_by_their_first_bytes(kind: str) -> None:
    buffer = io.BytesIO()
    gradient(16, 16).save(buffer, kind)
    with pytest.raises(BadRequest, match="not like a JPEG"):
        decode_jpeg(buffer.getvalue(), 10_000)


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xd8\xff", b"hello", bytes(1000)])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest, match=r"^cannot "):
        decode_jpeg(data, 10_000)


def outcome(data: bytes) -> str:
    """The refusal's text, or "" for a picture whose pixels have the size that was reported."""
    try:
        pixels, (width, height) = decode_jpeg(data, 10_000)
    except RequestError as e:
        return str(e)
    return (
        "" if pixels.shape[:2] == (height, width) else f"{pixels.shape} is not {width} x {height}"
    )


@settings(max_examples=600, deadline=None)
@given(st.sampled_from([BASELINE, PROGRESSIVE]), st.data())
def test_damage_is_a_picture_or_a_request_error(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data)
    places = st.tuples(st.integers(3, len(data) - 1), st.integers(0, 255))
    for at, value in draw.draw(st.lists(places, max_size=8)):
        damaged[at] = value
    kept = draw.draw(st.sampled_from([1.0, 1.0, 0.95, 0.5]))
    said = outcome(bytes(damaged[: int(len(data) * kept)]))
    assert said == "" or said.startswith("cannot ")


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [
            (b"\xff\xe0", b"JFIF\0"),
            (b"\xff\xe1", b"Exif\0\0"),
            (b"\xff\xe1", b"Exif\0\0II*\0\x08\0\0\0"),
            (b"\xff\xe2", b"MPF\0"),
            (b"\xff\xe2", b"ICC_PROFILE\0"),
            (b"\xff\xed", b"Photoshop 3.0\0"),
            (b"\xff\xee", b"Adobe"),
        ]
    ),
)
def test_hostile_application_segments_are_harmless(
    payload: bytes, kind: tuple[bytes, bytes]
) -> None:
    marker, prefix = kind
    body = prefix + payload
    segment = marker + struct.pack(">H", len(body) + 2) + body
    said = outcome(BASELINE[:2] + segment + BASELINE[2:])
    assert said == "" or said.startswith("cannot ")


def test_a_photograph_decodes() -> None:
    pixels, size = decode_jpeg(shared("images/parrot.jpg").read_bytes(), 10**8)
    assert pixels.shape == (size[1], size[0], 3)
