"""What an import costs: wall time and resident memory of fresh interpreters, turn by turn in one run.

``python -m tools.measure_imports numpy pydantic,yaml`` prints medians above a bare interpreter. The figures in
``docs/decisions/`` come from here.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

_REPORT = "print([l.split()[1] for l in open('/proc/self/status') if l.startswith('VmRSS')][0])"


def once(modules: str) -> tuple[float, float]:
    """Milliseconds and MB of one fresh interpreter that imports ``modules`` (comma-separated, may be empty)."""
    start_s = time.perf_counter()
    code = f"import {modules}\n{_REPORT}" if modules else _REPORT
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return (time.perf_counter() - start_s) * 1e3, int(done.stdout) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tools.measure_imports", description=__doc__)
    parser.add_argument("modules", nargs="+", help="a module, or several with commas between them")
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    names = ["", *args.modules]
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(args.rounds + 1):  # the first round fills the page cache
        for name in names:
            runs[name].append(once(name))
    medians = {n: [statistics.median(x) for x in zip(*r[1:], strict=True)] for n, r in runs.items()}
    base_ms, base_mb = medians[""]
    print(f"bare interpreter: {base_ms:.0f} ms, {base_mb:.1f} MB")
    for name in args.modules:
        print(f"{name}: +{medians[name][0] - base_ms:.0f} ms, +{medians[name][1] - base_mb:.1f} MB")


if __name__ == "__main__":
    main()
