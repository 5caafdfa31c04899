"""``kill -9`` of the worker under load: how long until the next answer, and whether any answer was lost.

python tools/measure_restart.py [--ladder DIR] [--kills 20] [--clients 4]
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from pathlib import Path

import numpy as np

from edgerund.bench.daemon import own_daemon
from edgerund.bench.load import percentile, start_load
from edgerund.client.control import ControlClient
from edgerund.config.ladder import load_ladder
from edgerund.config.share import shared_file

SPACING_S = 2.0


def main() -> None:
    """Kill, wait, repeat; print the median, the 95th percentile and the losses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ladder", type=Path, default=shared_file("variants/cifar10"))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--clients", type=int, default=4)
    args = parser.parse_args()
    name = load_ladder(args.ladder).name
    rng = np.random.default_rng(1)
    frames = [rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)]
    killed_s: list[float] = []
    with (
        own_daemon({"ladders": [{"path": str(args.ladder.resolve())}]}) as folder,
        ControlClient(folder) as control,
    ):
        load = start_load(folder, name, frames, args.clients)
        for _ in range(args.kills):
            time.sleep(SPACING_S)
            pid = control.call("status")["ladders"][0]["pid"]
            os.kill(pid, signal.SIGKILL)
            killed_s.append(time.monotonic())
        time.sleep(SPACING_S)
        samples = load.stop()
        quarantined = [
            v for v in control.call("status")["ladders"][0]["variants"] if v["quarantined"]
        ]
    errors = [s for s in samples if s.error]
    gaps_ms = []
    for k in killed_s:
        # answers sent before the kill may still arrive; the outage ends with the first request of after it
        back = min(
            (s.at_s for s in samples if not s.error and s.at_s - s.latency_ms / 1e3 > k),
            default=None,
        )
        gaps_ms.append(float("inf") if back is None else (back - k) * 1e3)
    print(
        f"{args.kills} kills under {args.clients} clients: {len(samples)} requests, {len(errors)} without answer"
    )
    print(
        f"kill to the next fresh answer: median {percentile(gaps_ms, 0.5):.0f} ms, "
        f"p95 {percentile(gaps_ms, 0.95):.0f} ms, max {max(gaps_ms):.0f} ms"
    )
    print(f"quarantined meanwhile: {[v['name'] for v in quarantined] or 'none'}")


if __name__ == "__main__":
    main()
