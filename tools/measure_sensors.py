"""What reading a board costs: share of one core, wake-ups a second, memory. ``python -m tools.measure_sensors``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from edgerund.clock import SystemClock
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from tests.boards import BoardFixture, names


def switches() -> int:
    """Voluntary context switches of the sensor threads so far."""
    total = 0
    for thread in threading.enumerate():
        if thread.name.startswith("sensors"):
            lines = (
                Path(f"/proc/self/task/{thread.native_id}/status").read_text("utf-8").splitlines()
            )
            total += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary"))
    return total


def rss_mb() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text("utf-8").split()[1]) * 4096 / 1e6


def main(argv: list[str] | None = None) -> int:
    """Measure one board."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--board", choices=names(), default="orin_nano_jp6")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--here", action="store_true", help="this machine instead of a fixture")
    parser.add_argument(
        "--ask",
        action="store_true",
        help="also ask for all senses once a second, as the daemon does",
    )
    args = parser.parse_args(argv)
    before_mb = rss_mb()
    with tempfile.TemporaryDirectory() as folder:
        fixture = None if args.here else BoardFixture(args.board, Path(folder))
        root = Path("/") if args.here else Path(folder)
        hub = SensorHub(FileRoot(root), SystemClock())
        hub.start()
        time.sleep(3.0)
        woken, used_s, began_s = switches(), time.process_time(), time.monotonic()
        while time.monotonic() - began_s < args.seconds:
            time.sleep(1.0)
            if args.ask:
                hub.senses()
        took_s = time.monotonic() - began_s
        report = {
            "board": "here" if args.here else args.board,
            "seconds": round(took_s, 1),
            "senses": len(hub.senses()),
            "core_percent": round(100 * (time.process_time() - used_s) / took_s, 3),
            "wakeups_per_s": round((switches() - woken) / took_s, 2),
            "rss_growth_mb": round(rss_mb() - before_mb, 1),
            "slowest": sorted(((round(s.cpu_ms, 3), s.name) for s in hub.status()), reverse=True)[
                :5
            ],
        }
        hub.stop()
        if fixture is not None:
            fixture.close()
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
