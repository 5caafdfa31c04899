"""What docs/protocol.md says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from edgerund.errors import WIRE_ERRORS, RequestError
from edgerund.wire import (
    DTYPES,
    ENCODINGS,
    OPS,
    encode_reply,
    error_reply,
    parse_reply,
    parse_request,
    salvage_id,
    split,
)
from edgerund.wire import frames as wire_frames
from edgerund.wire import header as wire_header
from edgerund.wire import request as wire_request

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")


class Example(NamedTuple):
    """One fenced block: ``kind`` is request or reply, ``code`` the error it must meet, if any."""

    kind: str
    code: str
    frames: list[bytes]


def read_frame(line: str) -> bytes:
    """One line of a block: ``""``, a JSON header, ``hex ...  # comment`` or ``zeros N``."""
    if line.startswith("{"):
        return line.encode()
    text, _, comment = line.partition("#")
    word, *rest = text.split()
    if word == '""':
        return b""
    if word == "zeros":
        return bytes(int(rest[0]))
    assert word == "hex", line
    frame = bytes.fromhex("".join(rest))
    if comment.strip().startswith("{"):
        assert frame == comment.strip().encode(), "the comment beside the hex tells the same"
    return frame


def examples() -> list[Example]:
    blocks = re.findall(r"^```frames (request|reply) ?(\w*)\n(.*?)^```$", PAGE, re.M | re.S)
    return [
        Example(k, c, [read_frame(line) for line in text.splitlines()]) for k, c, text in blocks
    ]


def table(heading: str) -> list[list[str]]:
    """The cells of the first table after ``heading``, less its head."""
    lines = PAGE[PAGE.index(heading) :].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|---"))
    rows = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_the_page_has_examples_of_every_kind() -> None:
    found = examples()
    assert len(found) == PAGE.count("```frames")
    assert sum(e.kind == "request" and not e.code for e in found) >= 4
    assert {"bad_request", "unsupported"} <= {e.code for e in found}
    assert sum(e.kind == "reply" for e in found) >= 5


@pytest.mark.parametrize("example", [e for e in examples() if e.kind == "request"])
def test_every_request_is_read_as_the_page_says(example: Example) -> None:
    parts = split([b"\0peer", *example.frames])
    assert parts is not None
    envelope, body = parts
    assert envelope == [b"\0peer", b""]
    if not example.code:
        parse_request(body)
        return
    with pytest.raises(RequestError) as caught:
        parse_request(body)
    assert caught.value.wire_code == example.code


@pytest.mark.parametrize("example", [e for e in examples() if e.kind == "reply"])
def test_every_reply_is_what_the_daemon_would_write(example: Example) -> None:
    reply = parse_reply(example.frames)
    assert [bytes(f) for f in encode_reply([b""], reply)] == example.frames


def test_the_error_shown_is_the_error_met() -> None:
    found = examples()
    at = next(i for i, e in enumerate(found) if e.code == "bad_request")
    body = found[at].frames[1:]
    with pytest.raises(RequestError) as caught:
        parse_request(body)
    reply = error_reply(caught.value, salvage_id(body), variant="top")
    assert [bytes(f) for f in encode_reply([b""], reply)] == found[at + 1].frames


def test_the_error_codes_are_those_of_the_code() -> None:
    listed = {row[0].strip("`"): row[1].strip("`") for row in table("### Error codes")}
    assert listed == {code: cls.__name__ for code, cls in WIRE_ERRORS.items()}


def test_the_dtypes_are_those_of_the_code() -> None:
    rows = table("### Frames and tensors")
    listed = {name: int(size) for names, size in rows for name in re.findall(r"`(\w+)`", names)}
    assert listed == dict(DTYPES)


def test_the_limits_are_those_of_the_code() -> None:
    numbers = [int(n) for _, limit in table("### Limits") for n in re.findall(r"\d+", limit)]
    assert numbers == [
        wire_header.MAX_HEADER_BYTES,
        wire_header.MAX_BRACKETS,
        wire_frames.MAX_ENVELOPE_FRAMES,
        wire_frames.MAX_ENVELOPE_BYTES,
        wire_request.MAX_BYTES,
        wire_header.MAX_TENSORS,
        wire_header.MAX_NDIM,
        wire_header.MAX_NAME_CHARS,
    ]


def test_operations_encodings_and_colours_are_all_named() -> None:
    rows = {row[0]: row for row in table("## Requests")}
    assert set(re.findall(r"`(\w+)`", rows["`op`"][3])) == OPS
    assert set(re.findall(r"`(\w+)`:", rows["`encoding`"][3])) == ENCODINGS
    assert set(re.findall(r"`([A-Z]+)`", rows["`colour`"][3])) == wire_request.COLOURS
    assert f"{wire_request.MAX_DEADLINE_MS:.0f}" in rows["`deadline_ms`"][3]
    assert rows["`priority`"][1] == f"integer 0..{wire_request.MAX_PRIORITY}"


def test_every_key_that_the_code_writes_is_in_the_tables() -> None:
    request_keys = set(re.findall(r"`(\w+)`", " ".join(row[0] for row in table("## Requests"))))
    reply_keys = set(re.findall(r"`(\w+)`", " ".join(row[0] for row in table("## Replies"))))
    assert request_keys == {
        "v", "op", "id", "encoding", "dtype", "shape", "inputs", "colour", "deadline_ms", "stream", "priority",
        "min_accuracy",
    }  # fmt: skip
    assert reply_keys == {
        "v", "ok", "id", "error", "variant", "reason", "task", "result", "outputs", "timings", "deadline",
        "accuracy",
        "suggested_fps",
    }  # fmt: skip
    source = "".join(
        (Path(wire_request.__file__).parent / f).read_text() for f in ("request.py", "reply.py")
    )
    written = set(re.findall(r'header\["(\w+)"\]', source)) | set(
        re.findall(r'\{"(\w+)": ', source)
    )
    assert written <= request_keys | reply_keys | {"code"}
