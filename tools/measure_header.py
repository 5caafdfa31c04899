"""What the wire costs without a socket: encoding and parsing one request and its reply, in microseconds.

``python -m tools.measure_header`` prints medians over one run. The payload is never copied, so its size is no matter.
"""

from __future__ import annotations

import statistics
import timeit

from edgerund.types import Reason
from edgerund.wire import (
    Reply,
    Request,
    TensorHead,
    Timings,
    encode_reply,
    encode_request,
    parse_reply,
    parse_request,
    split,
)

REASON = Reason("temperature", "zone cpu is at 84.5 of 85 C", "zone.cpu.temp_c", 84.5, 85.0)
RESULT = {
    "labels": list("abcde"),
    "scores": [0.8, 0.1, 0.05, 0.03, 0.02],
    "classes": [3, 5, 1, 2, 0],
}


def main() -> None:
    """Measure and print."""
    frame = memoryview(bytes(640 * 480 * 3))
    tensors = (TensorHead("uint8", (480, 640, 3)),)
    request = Request(id="cam-7", tensors=tensors, payload=(frame,), deadline_ms=33.0)
    reply = Reply(
        id="cam-7",
        variant="small-int8",
        reason=REASON,
        task="classify",
        result=RESULT,
        timings=Timings(41, 118, 2210, 2420),
    )
    asked = encode_request(request)
    answered = encode_reply([b""], reply)

    def parse() -> None:
        parts = split(asked)
        assert parts is not None
        parse_request(parts[1])

    steps = {
        "client: encode a request": lambda: encode_request(request),
        "daemon: parse it": parse,
        "daemon: encode the reply": lambda: encode_reply([b""], reply),
        "client: parse it": lambda: parse_reply(answered),
    }
    for name, step in steps.items():
        runs = timeit.repeat(step, number=2000, repeat=9)
        print(f"{name:<26} {statistics.median(runs) / 2000 * 1e6:6.1f} us")


if __name__ == "__main__":
    main()
