"""A small real server that speaks the wire, in its own process, so that it can be killed and restarted.

What it does with a request stands in the request's ``stream``: "" answers, "never" (always), "never 1" (only in the
server's first life), "hold" (until the next request has come), "die", "die 1", "twice", "garbage", "stray",
"error busy", "tensor".
"""

from __future__ import annotations

import os
import signal
import sys

import zmq

from edgerund.errors import WIRE_ERRORS, RequestError
from edgerund.types import Reason
from edgerund.wire import (
    Buffer,
    Outcome,
    Reply,
    Request,
    Timings,
    encode_reply,
    error_reply,
    pack,
    parse_request,
    salvage_id,
    split,
)


class Server:
    """One life of the server, serving until it is killed."""

    def __init__(self, address: str, fd: int, life: int) -> None:
        self.life = life
        self.held: list[list[Buffer]] = []
        self.socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
        if fd >= 0:
            self.socket.set(zmq.USE_FD, fd)
        self.socket.bind(address)

    def run(self) -> None:
        """Serve for ever."""
        while True:
            self.take([f.buffer for f in self.socket.recv_multipart(copy=False)])

    def take(self, frames: list[Buffer]) -> None:
        """Do what the request's stream says."""
        parts = split(frames)
        if parts is None:
            return
        envelope, body = parts
        try:
            request = parse_request(body)
        except RequestError as e:
            self.socket.send_multipart(encode_reply(envelope, error_reply(e, salvage_id(body))))
            return
        word, _, rest = request.stream.partition(" ")
        reply = encode_reply(envelope, self.answer(request))
        if word in ("die", "never") and (not rest or int(rest) >= self.life):
            if word == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            return
        if word == "hold":
            self.held.append(reply)
            return
        while self.held:
            self.socket.send_multipart(self.held.pop(0))
        if word == "garbage":
            self.socket.send_multipart([*envelope, b"\xff\xfe not a reply"])
            self.socket.send_multipart([envelope[0], b"no empty frame"])
            self.socket.send_multipart([*envelope, b'{"v":1,"ok":true,"outputs":[{}]}'])
        elif word == "stray":
            self.socket.send_multipart(
                encode_reply(envelope, Reply(id="of nobody", variant="other"))
            )
        elif word == "error":
            refusal = WIRE_ERRORS[rest]("cannot do it: the test said so")
            self.socket.send_multipart(encode_reply(envelope, error_reply(refusal, request.id)))
            return
        self.socket.send_multipart(reply)
        if word == "twice":
            self.socket.send_multipart(reply)

    def answer(self, request: Request) -> Reply:
        """A classifier's, a detector's or a tensor's answer; the result repeats what was asked."""
        timings = Timings(1, 2, 3, 10)
        deadline: Outcome | None = "met" if request.deadline_ms is not None else None
        if request.op != "infer":
            return Reply(
                request.id, "v1", "classify", {"ladder": "test"} if request.op == "describe" else {}
            )
        arrays = request.arrays()
        if request.stream == "tensor":
            heads, payload = pack(
                [a + a.dtype.type(1) for a in arrays], [t.name for t in request.tensors]
            )
            return Reply(request.id, "v1", "tensor", {}, heads, payload, None, timings, deadline)
        result = {
            "labels": ["cat", "dog"],
            "scores": [0.75, 0.25],
            "boxes": [[1.0, 2.0, 30.5, 40.0], [5.0, 6.0, 7.0, 8.0]],
            "life": self.life,
            "encoding": request.encoding,
            "sum": int(sum(int(a.sum()) for a in arrays)),
            "deadline_ms": request.deadline_ms,
            "colour": request.colour,
        }
        reason = Reason("temperature", "the board is hot", "zone.cpu.temp_c", 81.0, 80.0)
        return Reply(request.id, "v1", "detect", result, (), (), reason, timings, deadline)


if __name__ == "__main__":
    Server(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])).run()
