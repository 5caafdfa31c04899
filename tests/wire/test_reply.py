from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.errors import WIRE_ERRORS, BadRequest, InferenceFailed, RequestError, Unsupported
from edgerund.types import Reason
from edgerund.wire import Failure, Reply, Timings, encode_reply, error_reply, pack, parse_reply
from tests.wire.test_request import HEADS, TOKENS

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    heads = tuple(draw(st.lists(HEADS, max_size=3)))
    failed = draw(st.booleans())
    return Reply(
        id=draw(TOKENS),
        variant=draw(st.text()),
        task=draw(st.sampled_from(["", "classify", "detect", "tensor"])),
        result={} if failed else draw(st.dictionaries(st.text(), JSON, max_size=4)),
        tensors=heads,
        payload=tuple(bytes(h.nbytes) for h in heads),
        reason=draw(
            st.none() | st.builds(Reason, st.text(), st.text(), st.text(), NUMBERS, NUMBERS)
        ),
        timings=draw(st.none() | st.builds(Timings, *[st.integers(0, 2**50)] * 4)),
        deadline=draw(st.sampled_from([None, "met", "missed"])),
        suggested_fps=draw(NUMBERS),
        error=Failure(draw(st.sampled_from(sorted(WIRE_ERRORS))), draw(st.text()))
        if failed
        else None,
    )


@given(replies())
def test_what_is_encoded_is_what_is_parsed(reply: Reply) -> None:
    frames = encode_reply([b"\0peer", b"\0\0\0\1", b""], reply)
    assert frames[:3] == [b"\0peer", b"\0\0\0\1", b""]
    assert parse_reply(frames[1:]) == reply
    assert parse_reply(frames).ok is (reply.error is None)


def test_the_header_is_ascii_without_blanks() -> None:
    (_, header) = encode_reply([b""], Reply("é", result={"labels": ["Hündin, groß"]}))
    assert bytes(header).isascii()
    assert b": " not in bytes(header)


def test_arrays_are_views_of_the_payload() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    nothing = np.zeros((0, 4), np.float32)
    heads, payload = pack([array, nothing], ["logits", "boxes"])
    back = parse_reply(encode_reply([b""], Reply("a", tensors=heads, payload=payload)))
    np.testing.assert_array_equal(back.arrays()[0], array)
    assert back.arrays()[1].shape == (0, 4)


@pytest.mark.parametrize("code", sorted(WIRE_ERRORS))
def test_an_error_carries_its_code_and_one_sentence(code: str) -> None:
    reply = error_reply(WIRE_ERRORS[code]("cannot do it"), "a-1", "missed", "small")
    back = parse_reply(encode_reply([b""], reply))
    assert back.error == (code, "cannot do it")
    assert (back.id, back.deadline, back.variant, back.ok) == ("a-1", "missed", "small", False)


def test_a_long_message_is_cut() -> None:
    error = error_reply(BadRequest("x" * 10_000)).error
    assert error is not None
    assert len(error.message) == 500


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), object(), {1, 2}, np.float32(1), b"x"], ids=repr
)
def test_a_result_that_json_cannot_say_is_an_inference_that_failed(value: object) -> None:
    with pytest.raises(InferenceFailed, match="cannot encode"):
        encode_reply([b""], Reply(result={"scores": [value]}))


GOOD: dict[str, Any] = {"v": 1, "ok": True, "id": "a"}


@pytest.mark.parametrize(
    "change",
    [
        {"ok": 1},
        {"ok": False},
        {"ok": False, "error": "no"},
        {"ok": False, "error": {"code": 3}},
        {"ok": None},
        {"result": []},
        {"deadline": "perhaps"},
        {"deadline": ["met"]},
        {"variant": 1},
        {"task": None},
        {"reason": "hot"},
        {"reason": {"code": 1}},
        {"reason": {"observed": "81"}},
        {"timings": [1, 2, 3, 4]},
        {"timings": {"queue_us": 1}},
        {"timings": {"queue_us": 1.5, "prepare_us": 1, "infer_us": 1, "total_us": 1}},
        {"outputs": [{"dtype": "uint8", "shape": [1]}]},
        {"outputs": {}},
        {"id": 5},
    ],
)
def test_a_wrong_reply_is_refused(change: dict[str, Any]) -> None:
    assert parse_reply([b"", json.dumps(GOOD).encode()]).ok
    with pytest.raises(BadRequest, match=r"^cannot"):
        parse_reply([b"", json.dumps({**GOOD, **change}).encode()])


@pytest.mark.parametrize("version", [2, None, "1", True, 1.0])
def test_another_version_is_unsupported(version: object) -> None:
    with pytest.raises(Unsupported):
        parse_reply([b"", json.dumps({**GOOD, "v": version}).encode()])


@pytest.mark.parametrize("message", [[], [b""], [b"{}"], [b"", b""], [b"", b"{}", b"x"]])
def test_what_is_no_reply_is_refused(message: list[bytes]) -> None:
    with pytest.raises(RequestError):
        parse_reply(message)
