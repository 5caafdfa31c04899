"""What the daemon costs while nobody asks: processor share, wake-ups per second and memory, per process.

python tools/measure_idle.py [--ladder DIR] [--seconds 30]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from edgerund.bench.daemon import own_daemon
from edgerund.client.control import ControlClient
from edgerund.config.share import shared_file


def sample(pid: int) -> dict[str, float]:
    """Processor seconds, voluntary context switches and memory of one process, all threads together."""
    root = Path(f"/proc/{pid}")
    switches = 0
    for task in (root / "task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                switches += int(line.split()[1])
    rollup = {
        line.split(":")[0]: int(line.split()[1]) * 1024
        for line in (root / "smaps_rollup").read_text().splitlines()[1:]
        if line.endswith("kB")
    }
    cpu_ns = sum(int((t / "schedstat").read_text().split()[0]) for t in (root / "task").iterdir())
    return {
        "cpu_s": cpu_ns / 1e9,
        "wakeups": switches,
        "rss_mb": rollup["Rss"] / 1e6,
        "pss_mb": rollup["Pss"] / 1e6,
    }


def children(pid: int) -> list[int]:
    """Every process below ``pid``."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry.name), *children(int(entry.name))]
    return found


def main() -> None:
    """Measure and print one row per process, and the sum of supervisor and workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ladder", type=Path, default=shared_file("variants/cifar10"))
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with own_daemon({"ladders": [{"path": str(args.ladder.resolve())}]}) as folder:
        with ControlClient(folder) as control:
            time.sleep(3.0)  # let the residents load
            status = control.call("status")
        supervisor, workers = status["pid"], [x["pid"] for x in status["ladders"]]
        names = {supervisor: "supervisor", **dict.fromkeys(workers, "worker")}
        pids = [supervisor, *children(supervisor)]
        before = {p: sample(p) for p in pids}
        start_s = time.monotonic()
        time.sleep(args.seconds)
        took_s = time.monotonic() - start_s
        after = {p: sample(p) for p in pids}
    rows: list[dict[str, Any]] = [
        {
            "process": names.get(p, "helper"),
            "cpu_percent": 100 * (after[p]["cpu_s"] - before[p]["cpu_s"]) / took_s,
            "wakeups_per_s": (after[p]["wakeups"] - before[p]["wakeups"]) / took_s,
            "rss_mb": after[p]["rss_mb"],
            "pss_mb": after[p]["pss_mb"],
        }
        for p in pids
    ]
    total = sum(r["cpu_percent"] for r in rows if r["process"] != "helper")
    if args.json:
        print(json.dumps({"processes": rows, "supervisor_and_workers_cpu_percent": total}))
        return
    print(f"{'process':<12}{'cpu %':>8}{'wakeups/s':>11}{'RSS MB':>9}{'PSS MB':>9}")
    for r in rows:
        print(
            f"{r['process']:<12}{r['cpu_percent']:>8.3f}{r['wakeups_per_s']:>11.1f}"
            f"{r['rss_mb']:>9.1f}{r['pss_mb']:>9.1f}"
        )
    print(f"supervisor and workers together: {total:.3f} % of one core")


if __name__ == "__main__":
    main()
