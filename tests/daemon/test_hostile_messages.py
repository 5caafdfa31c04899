"""Malformed messages by the hundred thousand: one error reply or one counted drop each, and no memory kept."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq
from PIL import Image

from edgerund.client import Client
from edgerund.errors import WIRE_ERRORS
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for

GOOD = {"v": 1, "op": "infer", "encoding": "raw", "dtype": "uint8", "shape": [4, 4, 3]}
PIXELS = bytes(48)


def bomb() -> bytes:
    """A JPEG of a few kB that claims 60,000 x 60,000 pixels."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "JPEG")
    data = bytearray(out.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = (60_000).to_bytes(2, "big") * 2
    return bytes(data)


def truncated_jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(out, "JPEG")
    return out.getvalue()[:300]


def headers(rng: random.Random) -> Iterator[bytes]:
    """Broken headers without end."""
    odd: list[Any] = [None, -1, 0, 1e308, "x" * 100, [], {}, True, [1] * 20, 2**70, "float32", "é"]
    while True:
        header = dict(GOOD)
        for key in rng.sample(
            ["v", "op", "encoding", "dtype", "shape", "deadline_ms", "colour", "inputs"], 2
        ):
            header[key] = rng.choice(odd)
        text = json.dumps(header).encode()
        kind = rng.randrange(6)
        if kind == 0:
            text = text[: rng.randrange(len(text))]
        elif kind == 1:
            text = rng.randbytes(rng.randrange(200))
        elif kind == 2:
            text = b"[" * 3000 + text
        elif kind == 3:
            text = text.replace(b"1", b"NaN")
        elif kind == 4:
            text = b" " * 20_000 + text
        yield text


def messages(rng: random.Random) -> Iterator[list[bytes]]:
    """Broken messages without end; each would get one reply, or one counted drop."""
    special = [
        [b"", json.dumps({**GOOD, "encoding": "jpeg"}).encode(), bomb()],
        [b"", json.dumps({**GOOD, "encoding": "jpeg"}).encode(), truncated_jpeg()],
        [b"", json.dumps({**GOOD, "shape": [2**40, 2**40, 3]}).encode(), PIXELS],
        [b"", json.dumps({**GOOD, "shape": [100_000, 100_000, 3]}).encode(), PIXELS],
        [b"", json.dumps({**GOOD, "dtype": "object"}).encode(), PIXELS],
        [b"", json.dumps({**GOOD, "dtype": "float32", "shape": [3]}).encode(), b"\xff" * 12],
        [b"", json.dumps(GOOD).encode()],
        [b"", json.dumps(GOOD).encode(), *[PIXELS] * 40],
        [b""],
        [b"no", b"empty", b"frame"],
        [b"x" * 5000, b"", json.dumps(GOOD).encode(), PIXELS],
        [b"", b"", b"", b""],
    ]
    broken = headers(rng)
    while True:
        if rng.random() < 0.1:
            yield rng.choice(special)
        else:
            yield [b"", next(broken), *[rng.randbytes(rng.randrange(64))] * rng.randrange(3)]


def rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def droppable(message: list[bytes]) -> bool:
    """True where nobody can be answered: no empty frame, or an envelope too long to echo."""
    return b"" not in message or sum(map(len, message[: message.index(b"")])) > 4096


class Attack:
    """Sends broken messages, at most ``window`` unanswered, and counts what comes back."""

    def __init__(self, daemon: Running, seed: int) -> None:
        self.replies: Counter[str] = Counter()
        self.sent = self.dropped = 0
        self._messages = messages(random.Random(seed))
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.connect(f"ipc://{daemon.runtime_dir}/demo.sock")

    def send(self, count: int, window: int = 32) -> None:
        for _ in range(count):
            message = next(self._messages)
            self._socket.send_multipart(message)
            self.sent += 1
            self.dropped += droppable(message)
            while self._unanswered() > window:
                self._receive()
        while self._unanswered() > 0:
            self._receive()

    def close(self) -> None:
        self._context.destroy(linger=0)

    def _unanswered(self) -> int:
        return self.sent - self.dropped - sum(self.replies.values())

    def _receive(self) -> None:
        assert self._socket.poll(10_000), f"no reply; so far {self.replies}"
        reply = json.loads(self._socket.recv_multipart()[-1])
        self.replies["ok" if reply["ok"] else reply["error"]["code"]] += 1


def attack(daemon: Running, warm: int, count: int) -> tuple[int, Counter[str]]:
    """Growth of the worker and the supervisor in bytes over ``count`` messages after ``warm`` ones."""
    pids = [int(daemon.status()["pid"]), int(daemon.control.call("ping")["pid"])]
    a = Attack(daemon, seed=3)
    try:
        a.send(warm)
        before = [rss_bytes(p) for p in pids]
        a.send(count)
        after = [rss_bytes(p) for p in pids]
    finally:
        a.close()
    assert [int(daemon.status()["pid"])] == pids[:1]  # nobody died
    wait_for(
        lambda: daemon.status()["outcomes"].get("no_envelope") == a.dropped,
        what="the drops are counted",
    )
    return max(y - x for x, y in zip(before, after, strict=True)), a.replies


def test_every_malformed_message_has_one_reply_or_is_counted(start: Start, tmp_path: Path) -> None:
    daemon = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}]})
    grown, replies = attack(daemon, warm=2000, count=8000)
    assert set(replies) <= {*WIRE_ERRORS, "ok"}
    assert replies["bad_request"] > 3000
    assert grown < 5_000_000
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:  # and it still works
        assert client.infer(np.zeros((5, 7, 3), np.uint8)).variant == "top"


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_hundred_thousand_malformed_messages(start: Start, tmp_path: Path) -> None:
    daemon = start({"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}]})
    grown, replies = attack(daemon, warm=5000, count=100_000)
    print(f"grown {grown} bytes; replies {dict(replies)}")
    assert grown < 5_000_000


def test_a_flood_is_refused_with_busy_and_each_request_answered_once(
    start: Start, tmp_path: Path
) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"latency_ms": 30}})
    daemon = start({"ladders": [{"path": str(ladder), "max_queue": 4}]})
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(f"ipc://{daemon.runtime_dir}/demo.sock")
    try:
        for i in range(40):
            socket.send_multipart([b"", json.dumps({**GOOD, "id": str(i)}).encode(), PIXELS])
        seen = []
        for _ in range(40):
            assert socket.poll(10_000)
            seen.append(json.loads(socket.recv_multipart()[-1]))
        assert not socket.poll(50)
    finally:
        context.destroy(linger=0)
    assert sorted(int(r["id"]) for r in seen) == list(range(40))
    codes = Counter("ok" if r["ok"] else r["error"]["code"] for r in seen)
    assert codes["busy"] > 0
    assert codes["ok"] >= 4
    assert set(codes) == {"ok", "busy"}


def test_what_is_past_its_deadline_is_told_so(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "demo", variants={"top": {"latency_ms": 1500, "max_batch": 1}})
    daemon = start({"ladders": [{"path": str(ladder)}]})
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        frame = np.zeros((8, 8, 3), np.uint8)
        flights = [client.submit(frame, deadline_ms=300) for _ in range(3)]
        outcomes: list[Any] = []
        for flight in flights:
            try:
                outcomes.append(flight.result().deadline)
            except Exception as e:
                outcomes.append(type(e).__name__)
    assert outcomes == ["missed", "Expired", "Expired"]
