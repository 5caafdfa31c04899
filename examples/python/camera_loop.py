"""A camera loop: the newest frame goes to edgerund, an answer that would be too late is not waited for.

    python camera_loop.py --ladder cifar10 --rate 15 --seconds 10

The frames are synthetic; put your camera's ``read()`` in the place of ``camera``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgerund import Answer, Client
from edgerund.errors import Busy, Expired, NoAnswer, Unavailable


def camera(rate_hz: float, seconds: float) -> Iterator[NDArray[np.uint8]]:
    """Frames of a bright square that wanders over a gradient, ``rate_hz`` of them each second."""
    background = np.linspace(0, 120, 240 * 320 * 3).reshape(240, 320, 3).astype(np.uint8)
    start_s = time.monotonic()
    for i in range(int(rate_hz * seconds)):
        frame = background.copy()
        x = (5 * i) % 280
        frame[100:140, x : x + 40] = 250
        time.sleep(max(0.0, start_s + i / rate_hz - time.monotonic()))
        yield frame


def describe(answer: Answer) -> str:
    """One line about an answer."""
    what = f"{answer.top.label} {answer.top.score:.2f}" if answer.top else "nothing"
    why = f" because {answer.reason.text}" if answer.reason else ""
    return f"{what:24} {answer.round_trip_ms:6.2f} ms by {answer.variant}{why}"


def main() -> None:
    """Send frames until the time is over."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--ladder")
    parser.add_argument("--runtime-dir")
    parser.add_argument("--rate", type=float, default=15.0, help="frames per second")
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()

    variant = ""
    missed = 0
    with Client(args.ladder, runtime_dir=args.runtime_dir) as client:
        for frame in camera(args.rate, args.seconds):
            try:
                answer = client.infer(frame, deadline_ms=1000 / args.rate, stream="front")
            except (Expired, Busy, Unavailable, NoAnswer) as e:
                missed += 1  # the next frame is more interesting than this one
                print(f"missed: {e}")
                continue
            if answer.variant != variant:  # a swap, which changes nothing for this loop
                print(f"now answering: {answer.variant}")
                variant = answer.variant
            print(describe(answer))
        print(
            f"{client.counters.answered} answered, {missed} missed, {client.counters.resent} sent twice"
        )


if __name__ == "__main__":
    main()
