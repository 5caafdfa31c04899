"""Does ``edgerund profile`` say the same twice? Runs it twice and compares every latency ratio between variants.

Example::

    python -m tools.measure_profile variants/cifar10 --seconds 60
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LIMIT = 0.10


def profile(ladder: Path, arguments: list[str]) -> dict[str, Any]:
    """One run, as JSON."""
    command = [sys.executable, "-m", "edgerund", "profile", str(ladder), "--json", *arguments]
    told: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return told


def ratios(told: dict[str, Any]) -> dict[tuple[int, str, str], float]:
    """The median over rounds of each pair's ratio."""
    return {(r["threads"], r["of"], r["to"]): r["ratio"] for r in told["ratios"]}


def main() -> int:
    """Print each ratio twice and by how much they differ; 1 if any differs by more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ladder", type=Path)
    parser.add_argument("--seconds", default="60")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--limit", type=float, default=LIMIT)
    args = parser.parse_args()
    usual = ["--seconds", args.seconds, "--threads", args.threads, "--energy-seconds", "0"]
    first, second = (profile(args.ladder, usual) for _ in range(2))
    one, other = ratios(first), ratios(second)
    worst = 0.0
    print(f"{'threads':>7}  {'ratio':<28} {'first':>9} {'second':>9} {'differ':>8}")
    for key in [key for key in one if key in other]:
        differ = abs(one[key] / other[key] - 1)
        worst = max(worst, differ)
        name = f"{key[1]} / {key[2]}"
        print(f"{key[0]:>7}  {name:<28} {one[key]:>9.4g} {other[key]:>9.4g} {differ:>8.2%}")
    if one.keys() != other.keys():
        print("the runs measured different variants", file=sys.stderr)
        return 1
    print(
        f"\nlargest difference {worst:.2%} of {args.limit:.0%}; {first['took_s']:.0f} s and {second['took_s']:.0f} s"
    )
    for note in dict.fromkeys([*first["notes"], *second["notes"]]):
        print(f"note: {note}")
    return int(worst > args.limit)


if __name__ == "__main__":
    sys.exit(main())
