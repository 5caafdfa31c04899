"""What a shadow costs the requests: two daemons, one with and one without, asked in turns by the same client.

    python -m tools.measure_shadow [LADDER] [--variant NAME] [--rate HZ] [--seconds S] [--share X] [--max-per-s X]

Both daemons are pinned to the same variant. Blocks of half a second alternate, so that whatever else happens on
the machine happens to both; the first block of each does not count.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.bench.daemon import own_daemon
from edgerund.client import Client
from edgerund.client.control import ControlClient
from edgerund.config.ladder import load_ladder
from edgerund.config.share import shared_file

BLOCK_S = 0.5
POLICY = "policy: measured\nobjective: {maximise: accuracy}\n"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ladder", nargs="?", type=Path, default=shared_file("variants/cifar10"))
    parser.add_argument("--variant", help="what serves; default: the cheapest")
    parser.add_argument("--rate", type=float, default=50.0, help="frames a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="of both together")
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--max-per-s", type=float, default=1.0)
    args = parser.parse_args()
    plan = load_ladder(args.ladder)
    variant = args.variant or plan.variants[-1].name
    shadow = f"shadow: {{share: {args.share}, max_per_s: {args.max_per_s}, headroom: 0}}\n"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides: list[Any] = []
        for name, policy in (("without", POLICY), ("with", POLICY + shadow)):
            (folder / f"{name}.yaml").write_text(policy)
            settings = {
                "ladders": [{"path": str(args.ladder.resolve())}],
                "policy": str(folder / f"{name}.yaml"),
            }
            runtime_dir = stack.enter_context(own_daemon(settings))
            control = stack.enter_context(ControlClient(runtime_dir))
            control.call("pin", ladder=plan.name, variant=variant)
            client = stack.enter_context(Client(plan.name, runtime_dir=runtime_dir))
            sides.append((name, control, client, []))
        frame = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        blocks = max(2, int(args.seconds / BLOCK_S / 2))
        for block in range(blocks):
            for _name, _control, client, taken in sides if block % 2 else sides[::-1]:
                times = _ask(client, frame, args.rate)
                if block:
                    taken.extend(times)
        _tell(plan.name, variant, sides)
    return 0


def _ask(client: Client, frame: Any, rate_hz: float) -> list[float]:
    """Round trips of one block, ms."""
    times = []
    begin_s = time.monotonic()
    for i in range(max(1, int(BLOCK_S * rate_hz))):
        time.sleep(max(0.0, begin_s + i / rate_hz - time.monotonic()))
        times.append(client.infer(frame, timeout_s=30.0).round_trip_ms)
    return times


def _tell(ladder: str, variant: str, sides: list[Any]) -> None:
    rows = {}
    for name, control, _client, taken in sides:
        status = next(x for x in control.call("status")["ladders"] if x["name"] == ladder)
        seen = sum(a["frames"] for a in status["agreements"])
        rows[name] = [float(np.percentile(taken, q)) for q in (50, 90, 99)]
        p50, p90, p99 = rows[name]
        print(
            f"{name:<8} {variant}: {len(taken)} answers, p50 {p50:.3f} ms, p90 {p90:.3f} ms, p99 {p99:.3f} ms, "
            f"about {seen:.0f} frames compared"
        )
    ratios = [b / a for a, b in zip(rows["without"], rows["with"], strict=True)]
    print(
        "with / without: "
        + ", ".join(f"{q} {r:.3f}" for q, r in zip(("p50", "p90", "p99"), ratios, strict=True))
    )


if __name__ == "__main__":
    sys.exit(main())
