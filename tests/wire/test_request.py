from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.errors import BadRequest, RequestError, TooLarge, Unsupported
from edgerund.wire import (
    DTYPES,
    Request,
    TensorHead,
    encode_request,
    parse_request,
    salvage_id,
    split,
)
from edgerund.wire.header import MAX_HEADER_BYTES

FRAME: dict[str, Any] = {"v": 1, "op": "infer", "dtype": "uint8", "shape": [2, 2, 3]}
PIXELS = bytes(12)


def body(header: object, *payload: bytes) -> list[bytes]:
    return [json.dumps(header).encode(), *payload]


TOKENS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=64)
HEADS = st.builds(
    TensorHead,
    st.sampled_from(sorted(DTYPES)),
    st.lists(st.integers(1, 4), max_size=4).map(tuple),
    st.text(max_size=80),
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    op = draw(st.sampled_from(["infer", "infer", "infer", "describe", "ping"]))
    if op != "infer":
        return Request(op, draw(TOKENS))  # type: ignore[arg-type]
    jpeg = draw(st.booleans())
    heads = () if jpeg else tuple(draw(st.lists(HEADS, min_size=1, max_size=4)))
    payload = (
        (b"\xff\xd8\xff" + draw(st.binary(min_size=1)),)
        if jpeg
        else tuple(bytes(h.nbytes) for h in heads)
    )
    return Request(
        "infer",
        draw(TOKENS),
        "jpeg" if jpeg else "raw",
        heads,
        payload,
        draw(st.sampled_from([None, "RGB", "BGR", "GRAY"])),
        draw(st.none() | st.floats(0.001, 86_400_000)),
        draw(TOKENS),
        draw(st.integers(0, 255)),
    )


@given(requests())
def test_what_is_encoded_is_what_is_parsed(request: Request) -> None:
    parts = split([b"\0peer", *encode_request(request)])
    assert parts is not None
    assert parse_request(parts[1]) == request
    assert salvage_id(parts[1]) == request.id


def test_arrays_are_views_of_the_payload() -> None:
    request = parse_request(body(FRAME, bytes(range(12))))
    (array,) = request.arrays()
    assert array.shape == (2, 2, 3)
    assert array[1, 1, 2] == 11
    assert parse_request(body({**FRAME, "encoding": "jpeg"}, b"\xff\xd8\xff\xe0")).arrays() == []


def test_defaults_of_a_least_header() -> None:
    request = parse_request(body(FRAME, PIXELS))
    assert request == Request("infer", "", "raw", (TensorHead("uint8", (2, 2, 3)),), (PIXELS,))
    assert request.colour is None
    assert request.deadline_ms is None


def test_several_inputs_have_one_payload_frame_each() -> None:
    inputs = [{"name": "a", "dtype": "float32", "shape": [2]}, {"dtype": "int64", "shape": []}]
    request = parse_request(body({"v": 1, "op": "infer", "inputs": inputs}, bytes(8), bytes(8)))
    assert request.tensors == (TensorHead("float32", (2,), "a"), TensorHead("int64", ()))
    assert [a.shape for a in request.arrays()] == [(2,), ()]


def test_unknown_keys_are_ignored() -> None:
    assert parse_request(body({**FRAME, "from_the_future": {"x": [1]}}, PIXELS)).op == "infer"


@pytest.mark.parametrize("version", [0, 2, -1, 1.0, "1", True, [1], {}])
def test_another_version_is_unsupported(version: object) -> None:
    with pytest.raises(Unsupported, match="speaks version 1"):
        parse_request(body({**FRAME, "v": version}, PIXELS))


@pytest.mark.parametrize("op", [None, "", "train", 1, ["infer"]])
def test_another_operation_is_unsupported(op: object) -> None:
    with pytest.raises(Unsupported, match="cannot do op"):
        parse_request(body({**FRAME, "op": op}, PIXELS))


@pytest.mark.parametrize("encoding", ["shm", "png", "", 1, None, {}])
def test_another_encoding_is_unsupported(encoding: object) -> None:
    with pytest.raises(Unsupported, match="cannot take encoding"):
        parse_request(body({**FRAME, "encoding": encoding}, PIXELS))


HUGE = 10**30
WRONG: list[tuple[dict[str, Any], int]] = [
    ({"dtype": "float31"}, 12),
    ({"dtype": "object"}, 12),
    ({"dtype": "<f4"}, 12),
    ({"dtype": None}, 12),
    ({"dtype": ["uint8"]}, 12),
    ({"shape": None}, 12),
    ({"shape": "2,2,3"}, 12),
    ({"shape": {"0": 2}}, 12),
    ({"shape": [2, 2, 4]}, 12),
    ({"shape": [-2, -2, 3]}, 12),
    ({"shape": [0]}, 0),
    ({"shape": [0, HUGE]}, 0),
    ({"shape": [HUGE, HUGE]}, 12),
    ({"shape": [1 << 32, 1 << 32]}, 0),
    ({"shape": [2, 2, 3.0]}, 12),
    ({"shape": [True] * 8}, 1),
    ({"shape": [[12]]}, 12),
    ({"shape": [1] * 9}, 1),
    ({"shape": []}, 12),
    ({"colour": "YUV"}, 12),
    ({"colour": 1}, 12),
    ({"colour": ["RGB"]}, 12),
    ({"deadline_ms": 0}, 12),
    ({"deadline_ms": -1}, 12),
    ({"deadline_ms": 86_400_001}, 12),
    ({"deadline_ms": "33"}, 12),
    ({"deadline_ms": True}, 12),
    ({"deadline_ms": HUGE}, 12),
    ({"deadline_ms": 10**400}, 12),
    ({"min_accuracy": 0}, 12),
    ({"min_accuracy": 1.01}, 12),
    ({"min_accuracy": "0.9"}, 12),
    ({"min_accuracy": True}, 12),
    ({"min_accuracy": 10**400}, 12),
    ({"id": 7}, 12),
    ({"id": "x" * 65}, 12),
    ({"id": "tab\t"}, 12),
    ({"id": "ü"}, 12),
    ({"id": "\ud800"}, 12),
    ({"stream": {}}, 12),
    ({"priority": -1}, 12),
    ({"priority": 256}, 12),
    ({"priority": 1.5}, 12),
    ({"inputs": []}, 12),
    ({"inputs": [{"dtype": "uint8", "shape": [12]}]}, 12),  # beside dtype and shape
    ({"v": None}, 12),
]


@pytest.mark.parametrize(("change", "size"), WRONG)
def test_a_wrong_header_is_a_bad_request_in_one_sentence(change: dict[str, Any], size: int) -> None:
    with pytest.raises(BadRequest, match=r"^cannot [^\n]{10,300}$") as caught:
        parse_request(body({**FRAME, **change}, bytes(size)))
    assert caught.value.wire_code == "bad_request"


@pytest.mark.parametrize(
    "inputs",
    [
        "x",
        {},
        [],
        [1],
        [{"dtype": "uint8", "shape": [1]}] * 65,
        [{"dtype": "uint8", "shape": [1]}],
        [{"dtype": "uint8", "shape": [1]}, {"dtype": "uint8", "shape": [2], "name": 3}],
    ],
)
def test_wrong_inputs_are_a_bad_request(inputs: object) -> None:
    with pytest.raises(BadRequest):
        parse_request(body({"v": 1, "op": "infer", "inputs": inputs}, b"1", b"12"))


@pytest.mark.parametrize(
    "payload",
    [[], [b""], [PIXELS, PIXELS], [PIXELS + b"x"], [PIXELS[1:]]],
)
def test_a_payload_that_does_not_match_is_a_bad_request(payload: list[bytes]) -> None:
    with pytest.raises(BadRequest):
        parse_request(body(FRAME, *payload))


@pytest.mark.parametrize(
    "payload", [[b"\x89PNG"], [b"\xff\xd8"], [b"\xff"], [b"\xff\xd8\xff\xe0"] * 2]
)
def test_what_is_no_jpeg_is_a_bad_request(payload: list[bytes]) -> None:
    with pytest.raises(BadRequest):
        parse_request(body({"v": 1, "op": "infer", "encoding": "jpeg"}, *payload))


@pytest.mark.parametrize("op", ["ping", "describe"])
def test_only_infer_has_a_payload(op: str) -> None:
    assert parse_request(body({"v": 1, "op": op, "id": "a"})) == Request(op, "a")  # type: ignore[arg-type]
    with pytest.raises(BadRequest):
        parse_request(body({"v": 1, "op": op}, b"x"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"null",
        b'"x"',
        b"\xff\xfe{}",
        b'{"v":NaN}',
        b'{"v":Infinity}',
        b'{"v":-Infinity}',
        b'{"v":' + b"9" * 5000 + b"}",
        b"[" * 200 + b"]" * 200,
        b'{"v":1}garbage',
        b"{" * 257,
    ],
)
def test_a_header_that_is_no_json_object_is_a_bad_request(text: bytes) -> None:
    with pytest.raises(RequestError, match=r"^cannot"):
        parse_request([text, PIXELS])
    assert salvage_id([text]) == ""


@pytest.mark.parametrize(
    "key", ["v", "op", "id", "encoding", "dtype", "shape", "inputs", "colour", "deadline_ms"]
)
@pytest.mark.parametrize("value", [b"1e999", b"[1e999]", b'{"a":-1e999}', b"1" + b"0" * 4000])
def test_an_infinity_written_as_a_number_is_refused_everywhere(key: str, value: bytes) -> None:
    good = {"v": 1, "op": "infer", "dtype": "uint8", "shape": [1]} | {key: "?"}
    text = json.dumps(good).encode().replace(b'"?"', value)
    with pytest.raises(RequestError, match=r"^cannot"):
        parse_request([text, b"x"])


def test_a_header_above_the_limit_is_too_large() -> None:
    header = {**FRAME, "padding": ""}
    header["padding"] = "x" * (MAX_HEADER_BYTES - len(json.dumps(header)))
    assert parse_request(body(header, PIXELS)).op == "infer"
    header["padding"] += "x"
    with pytest.raises(TooLarge):
        parse_request(body(header, PIXELS))


def test_more_payload_than_the_ladder_takes_is_too_large() -> None:
    assert parse_request(body(FRAME, PIXELS), max_bytes=12).op == "infer"
    with pytest.raises(TooLarge, match="at most 11"):
        parse_request(body(FRAME, PIXELS), max_bytes=11)


def test_no_body_is_a_bad_request() -> None:
    with pytest.raises(BadRequest, match="without a header"):
        parse_request([])
    assert salvage_id([]) == ""


def test_the_id_of_a_refused_request_can_be_saved() -> None:
    assert salvage_id(body({"v": 9, "id": "cam-1"})) == "cam-1"
    assert salvage_id(body({"v": 9, "id": 5})) == ""


def test_frames_of_any_buffer_are_read() -> None:
    for kind in (bytes, bytearray, memoryview):
        frames = [kind(f) for f in body(FRAME, PIXELS)]
        assert np.array_equal(parse_request(frames).arrays()[0], np.zeros((2, 2, 3), np.uint8))
        jpeg = parse_request(
            [
                kind(f)
                for f in body({"v": 1, "op": "infer", "encoding": "jpeg"}, b"\xff\xd8\xff\xe0")
            ]
        )
        assert jpeg.encoding == "jpeg"


def test_a_request_that_json_cannot_say_is_refused_by_the_sender() -> None:
    with pytest.raises(BadRequest):
        encode_request(Request(deadline_ms=float("inf")))
