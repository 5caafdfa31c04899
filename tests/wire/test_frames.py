from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgerund.errors import BadRequest
from edgerund.wire import DTYPES, TensorHead, as_array, pack, split


@pytest.mark.parametrize(
    "envelope",
    [
        [b"\0abcd", b""],  # REQ, and our DEALER
        [b"\0abcd", b"\0\0\0\1", b""],  # REQ with REQ_CORRELATE
        [b""],  # as a DEALER receives it
        [b"x"] * 15 + [b""],
        [b"y" * 4096, b""],
    ],
)
def test_everything_up_to_the_first_empty_frame_is_the_envelope(envelope: list[bytes]) -> None:
    assert split([*envelope, b"header", b"", b"payload"]) == (
        envelope,
        [b"header", b"", b"payload"],
    )
    assert split(envelope) == (envelope, [])


@pytest.mark.parametrize(
    "frames", [[], [b"\0abcd"], [b"\0abcd", b"{}", b"x"], [b"x"] * 16 + [b""], [b"y" * 4097, b""]]
)
def test_a_message_that_nobody_could_be_answered_for_is_none(frames: list[bytes]) -> None:
    assert split(frames) is None


@given(st.lists(st.binary(max_size=8), max_size=30))
def test_envelope_and_body_together_are_the_message(frames: list[bytes]) -> None:
    parts = split(frames)
    if parts is None:
        assert b"" not in frames[:16]
    else:
        assert [*parts[0], *parts[1]] == frames
        assert parts[0][-1] == b""
        assert b"" not in parts[0][:-1]


ARRAYS = hnp.arrays(
    dtype=st.sampled_from(sorted(DTYPES)).map(np.dtype),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)


@given(st.lists(ARRAYS, max_size=3))
def test_arrays_come_back_as_they_were(arrays: list[np.ndarray]) -> None:
    heads, payload = pack(arrays)
    for array, head, frame in zip(arrays, heads, payload, strict=True):
        back = as_array(frame, head.dtype, head.shape)
        assert head.nbytes == len(frame)
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)
        assert not back.flags.writeable


def test_views_and_foreign_byte_orders_are_sent_as_little_endian_rows() -> None:
    base = np.arange(24, dtype=np.int32).reshape(4, 6)
    for array in (base.T, base[::2, ::-1], np.asfortranarray(base), base.astype(">i4")):
        (head,), (frame,) = pack([array])
        assert bytes(frame) == np.ascontiguousarray(array, "<i4").tobytes()
        np.testing.assert_array_equal(as_array(frame, head.dtype, head.shape), array)


def test_a_contiguous_array_is_not_copied() -> None:
    array = np.zeros((3, 4), np.uint8)
    _, (frame,) = pack([array])
    view = as_array(frame, "uint8", (3, 4))
    array[1, 1] = 7
    assert view[1, 1] == 7
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([object()]), np.zeros(2, complex)])
def test_an_element_type_that_does_not_travel_is_named(array: np.ndarray) -> None:
    with pytest.raises(BadRequest, match=array.dtype.name):
        pack([array])


def test_names_go_with_their_arrays() -> None:
    heads, _ = pack([np.zeros(2, np.uint8), np.zeros((), np.float32)], ["a"])
    assert heads == (TensorHead("uint8", (2,), "a"), TensorHead("float32", ()))


def test_every_dtype_has_numpys_name_and_size() -> None:
    assert all(np.dtype(name).itemsize == size for name, size in DTYPES.items())
