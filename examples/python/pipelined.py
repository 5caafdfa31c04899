"""Several frames under way at once: the next one travels while the engine works on this one.

python pipelined.py --ladder cifar10 --frames 500 --in-flight 4
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from edgerund import Client


def main() -> None:
    """The same frames one at a time, then with several in flight."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--ladder")
    parser.add_argument("--runtime-dir")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--in-flight", type=int, default=4)
    args = parser.parse_args()

    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (240, 320, 3), np.uint8) for _ in range(args.frames)]
    with Client(args.ladder, runtime_dir=args.runtime_dir) as client:
        client.infer(frames[0])  # the connection stands before the clock runs

        start_s = time.perf_counter()
        one_by_one = [client.infer(frame) for frame in frames]
        single_s = time.perf_counter() - start_s

        start_s = time.perf_counter()
        pipelined = list(
            client.map(frames, in_flight=args.in_flight)
        )  # answers in the order of frames
        pipelined_s = time.perf_counter() - start_s

    same = sum(a.labels == b.labels for a, b in zip(one_by_one, pipelined, strict=True))
    print(f"one at a time : {args.frames / single_s:8.1f} frames/s")
    print(f"{args.in_flight} in flight   : {args.frames / pipelined_s:8.1f} frames/s")
    print(f"same labels   : {same} of {args.frames}")


if __name__ == "__main__":
    main()
