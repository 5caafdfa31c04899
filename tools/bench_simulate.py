"""How many times faster than real time `edgerund simulate` runs, by processor time and by the clock on the wall.

    python tools/bench_simulate.py [--scenarios calm,bursts] [--rounds 3] [--against ../old-checkout]

Each run is a fresh board and the whole hour under the study policy; drawing the world counts, importing the program
does not. With ``--against`` the same runs are made by the package in that folder too, in turn with this one's, so
that both sides see the same machine. The best of the rounds counts: whatever else runs here can only slow a run down.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypeAlias

HERE = Path(__file__).resolve().parents[1]
Speed: TypeAlias = tuple[float, float]
"""(by processor time, by the wall), times real time."""


def main() -> int:
    """Print one line per scenario, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenarios", default="", help="names with commas; default all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--against", type=Path, help="a folder that holds another `edgerund`")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        return measure(args.seed)
    folders = [HERE, *([args.against.resolve()] if args.against else [])]
    sides = [Side(folder, args.seed) for folder in folders]
    names = args.scenarios.split(",") if args.scenarios else sides[-1].names
    print(f"{'times real time':18s}" + "".join(f" {'cpu':>7s} {'wall':>7s}" for _ in sides))
    table: list[list[Speed]] = []
    for name in names:
        rounds = [[side.run(name) for side in sides] for _ in range(args.rounds)]
        best = [_best([speeds[i] for speeds in rounds]) for i in range(len(sides))]
        table.append(best)
        print(line(name, best), flush=True)
    columns = list(zip(*table, strict=True))
    print(line("slowest", [(min(c for c, _ in s), min(w for _, w in s)) for s in columns]))
    median = [
        (statistics.median(c for c, _ in s), statistics.median(w for _, w in s)) for s in columns
    ]
    print(line("median", median))
    if len(sides) == 2:
        ratio = statistics.median(mine[0] / other[0] for mine, other in table)
        print(f"this one is {ratio:.2f} times as fast as {folders[1].name}, by processor time")
    return 0


def _best(speeds: list[Speed]) -> Speed:
    return max(cpu for cpu, _ in speeds), max(wall for _, wall in speeds)


def line(name: str, speeds: list[Speed]) -> str:
    """One row of the table."""
    return f"{name:18s}" + "".join(f" {cpu:7.0f} {wall:7.0f}" for cpu, wall in speeds)


class Side:
    """A process that runs scenarios with the package in ``folder``."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--measure", "--seed", str(seed)],
            env={**os.environ, "PYTHONPATH": str(folder)},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.names = [str(name) for name in self._answer()]

    def run(self, name: str) -> Speed:
        """Run one scenario now."""
        assert self._process.stdin is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        cpu, wall = self._answer()
        return float(cpu), float(wall)

    def _answer(self) -> list[Any]:
        assert self._process.stdout is not None
        answer: list[Any] = json.loads(self._process.stdout.readline())
        return answer


def measure(seed: int) -> int:
    """Answer each name on standard input with the speed of one run."""
    from edgerund.config.policy import load_policy
    from edgerund.sim import bundled
    from edgerund.sim.cards import load_cards
    from edgerund.sim.runner import simulate
    from edgerund.sim.scenario import load_scenario

    plan = load_policy(bundled.scenarios_dir() / "policies" / "study.yaml")
    camera = load_cards(bundled.cards_path("camera"))
    print(json.dumps(bundled.scenario_names()), flush=True)
    for text in sys.stdin:
        scenario = load_scenario(bundled.scenario_path(text.strip()))
        wall, cpu = time.perf_counter(), time.process_time()
        score = simulate(plan, scenario, [camera], seed)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps([score.duration_s / cpu, score.duration_s / wall]), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
