"""Whatever arrives ends in a request, a RequestError or the signal to drop it; never in anything else."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edgerund.errors import RequestError
from edgerund.wire import (
    Reply,
    encode_reply,
    encode_request,
    error_reply,
    parse_reply,
    parse_request,
    salvage_id,
    split,
)
from edgerund.wire.reply import Timings
from tests.wire.test_reply import JSON, replies
from tests.wire.test_request import requests

KEYS = [
    "v",
    "op",
    "id",
    "encoding",
    "dtype",
    "shape",
    "inputs",
    "colour",
    "deadline_ms",
    "stream",
    "priority",
]
REPLY_KEYS = [
    "v",
    "ok",
    "id",
    "error",
    "variant",
    "reason",
    "task",
    "result",
    "outputs",
    "timings",
    "deadline",
]
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        "",
        "infer",
        "raw",
        "jpeg",
        "uint8",
        1,
        -1,
        0,
        2**63,
        2**64,
        10**400,
        1e308,
        True,
        None,
        [],
        {},
        [[]],
        "\ud800",
        "\0",
    ]
)


def serve(frames: list[bytes]) -> bool:
    """What a server does with a message; True if there is a reply."""
    parts = split(frames)
    if parts is None:
        return False
    envelope, body = parts
    try:
        request = parse_request(body, max_bytes=1 << 20)
        for array in request.arrays():
            array.sum()
        reply = Reply(request.id, "v", "tensor", timings=Timings(1, 1, 1, 1))
    except RequestError as e:
        check(e)
        reply = error_reply(e, salvage_id(body))
    frames_out = encode_reply(envelope, reply)
    assert parse_reply(frames_out[len(envelope) - 1 :]).id == reply.id
    return True


@given(st.lists(st.binary(max_size=64), max_size=6))
def test_random_frames(frames: list[bytes]) -> None:
    serve(frames)
    read_as_reply(frames)


@given(
    st.dictionaries(st.sampled_from(KEYS) | st.text(), JSON | ODD),
    st.lists(st.binary(max_size=16), max_size=3),
)
@settings(max_examples=300)
def test_random_headers(header: dict[str, Any], payload: list[bytes]) -> None:
    assert serve([b"\0peer", b"", json.dumps(header).encode(), *payload])


@given(requests(), st.sampled_from(KEYS), JSON | ODD)
@settings(max_examples=300)
def test_one_field_of_a_good_request_replaced(request: Any, key: str, value: object) -> None:
    _, header, *payload = map(bytes, encode_request(request))
    changed = {**json.loads(header), key: value}
    assert serve([b"\0peer", b"", json.dumps(changed).encode(), *payload])


@given(requests(), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_a_good_request_bent(request: Any, rng: random.Random) -> None:
    serve(bend([b"\0peer", *map(bytes, encode_request(request))], rng))


@given(replies(), st.sampled_from(REPLY_KEYS), JSON | ODD)
@settings(max_examples=300)
def test_one_field_of_a_good_reply_replaced(reply: Reply, key: str, value: object) -> None:
    _, header, *payload = map(bytes, encode_reply([b""], reply))
    changed = {**json.loads(header), key: value}
    read_as_reply([b"", json.dumps(changed).encode(), *payload])


@given(replies(), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_a_good_reply_bent(reply: Reply, rng: random.Random) -> None:
    read_as_reply(bend([bytes(f) for f in encode_reply([b""], reply)], rng))


def test_a_hundred_thousand_bent_messages() -> None:
    """Plain random numbers, for speed: hypothesis looks for corners, this for mass."""
    rng = random.Random(7)
    good = [
        [
            b"\0peer",
            b"",
            b'{"v":1,"op":"infer","id":"a","dtype":"uint8","shape":[2,2,3]}',
            bytes(12),
        ],
        [
            b"\0peer",
            b"",
            b'{"v":1,"op":"infer","encoding":"jpeg","deadline_ms":33.5}',
            b"\xff\xd8\xff\xe0",
        ],
        [
            b"\0peer",
            b"1234",
            b"",
            b'{"v":1,"op":"infer","inputs":[{"dtype":"int64","shape":[1]}]}',
            bytes(8),
        ],
        [b"\0peer", b"", b'{"v":1,"op":"ping","id":"b"}'],
    ]
    answered = sum(serve(bend(rng.choice(good), rng)) for _ in range(100_000))
    assert 50_000 < answered < 100_000


def check(error: RequestError) -> None:
    assert str(error).startswith("cannot ")
    assert "\n" not in str(error)
    assert len(str(error)) < 500


def bend(frames: list[bytes], rng: random.Random) -> list[bytes]:
    """Bits flipped, bytes cut, put in or doubled, frames lost, doubled or swapped."""
    frames = list(frames)
    for _ in range(rng.randint(1, 3)):
        if not frames:
            break
        i = rng.randrange(len(frames))
        frame = bytearray(frames[i])
        at = rng.randrange(len(frame)) if frame else 0
        kind = rng.randrange(7)
        if kind == 0 and frame:
            frame[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del frame[at : at + rng.randint(1, 8)]
        elif kind == 2:
            frame[at:at] = bytes(
                rng.choice(b'{}[]",:019-e\0\xff\\') for _ in range(rng.randint(1, 4))
            )
        elif kind == 3:
            frame[at:at] = frame[: rng.randint(0, 32)]
        frames[i] = bytes(frame)
        if kind == 4:
            del frames[i]
        elif kind == 5:
            frames.insert(i, frames[i])
        elif kind == 6:
            j = rng.randrange(len(frames))
            frames[i], frames[j] = frames[j], frames[i]
    return frames


def read_as_reply(frames: list[bytes]) -> None:
    try:
        for array in parse_reply(frames).arrays():
            array.sum()
    except RequestError as e:
        check(e)
