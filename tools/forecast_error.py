"""How good is the 30 s temperature forecast, against persistence, on recorded traces?

    python tools/forecast_error.py FOLDER [--horizon 30]

FOLDER holds the Jetson traces (see the columns below). The filters of the controller run over each trace as they
do in the daemon, once a second, on nothing but the past. *Persistence* says that the temperature stays what it was
last read to be. The truth is the mean of the five readings around the moment forecast, since one reading carries
the noise of its sensor; the strict column gives persistence a mean of five readings too, and the raw column
scores both against the single reading. *Moves* are the moments where the truth is at least 0.5 C away from the
last reading.

The filters see no change of power. Two of the traces are experiments in which the frame rate or the resolution was
changed once; in the daemon such a step is the controller's own, and known. The second line of each trace leaves out
what no forecast from the temperature alone can know: moments less than a horizon before such a step, and the first
minute, in which a board that was found at work is still unknown.
"""

from __future__ import annotations

import argparse
import csv
import datetime
from collections.abc import Callable
from pathlib import Path

from edgerund.policy import outlook, thermal

Errors = tuple[float, float, float, float, float]
FIRST = 5  # strict persistence needs five readings
UNKNOWN_S = 60


def main() -> int:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--horizon", type=int, default=30)
    args = parser.parse_args()
    print(
        f"{'trace':42s} {'persist':>8s} {'forecast':>8s} {'better':>7s} {'strict':>7s} {'raw':>7s}"
        f" {'moves':>6s} {'persist':>8s} {'forecast':>8s} {'better':>7s}"
    )
    pooled: list[Errors] = []
    pooled_known: list[Errors] = []
    for path in sorted(args.folder.glob("*.csv")):
        trace = read_trace(path)
        if trace is None:
            continue
        errors = compare(trace, args.horizon)
        known = foreseeable(errors, orders(path), args.horizon)
        pooled += errors
        pooled_known += known
        report(path.name, errors)
        report("  from the second minute, steps known", known)
    report("all", pooled)
    report("  from the second minute, steps known", pooled_known)
    return 0


def read_trace(path: Path) -> list[float] | None:
    """Temperature (C) once a second, or None for a file of another kind."""
    with path.open(newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    columns = rows[0].keys()
    if "tj-thermal-CURR_TEMP" in columns:
        return [float(row["tj-thermal-CURR_TEMP"]) for row in rows]
    name = next((c for c in ("gpu_temp", "gpu_temperature") if c in columns), None)
    if name is None:
        return None
    times = [datetime.datetime.fromisoformat(row["timestamp"]).timestamp() for row in rows]
    temps: list[float] = []
    at = 0
    for second in range(int(times[-1] - times[0])):
        while at + 1 < len(rows) and times[at + 1] - times[0] <= second:
            at += 1
        temps.append(float(rows[at][name]))
    return temps


def orders(path: Path) -> list[int]:
    """The seconds at which the experiment changed the frame rate or the resolution."""
    with path.open(newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    name = next((c for c in ("percentage", "resolution") if c in rows[0]), None)
    if name is None:
        return []
    times = [datetime.datetime.fromisoformat(row["timestamp"]).timestamp() for row in rows]
    steps = zip(times[1:], rows[:-1], rows[1:], strict=True)
    return [int(at - times[0]) for at, before, after in steps if after[name] != before[name]]


def foreseeable(rows: list[Errors], steps: list[int], horizon: int) -> list[Errors]:
    """The rows of ``compare`` without the first minute and what a step made void."""
    return [
        row
        for i, row in enumerate(rows, FIRST)
        if i >= UNKNOWN_S and not any(i <= step <= i + horizon + 2 for step in steps)
    ]


def forecasts(temps: list[float], horizon: int) -> list[float]:
    """What the controller's bank says at each second about ``horizon`` seconds later."""
    memory = thermal.begin(temps[0], 0.0, None, None)
    said: list[float] = []
    for now, temp_c in enumerate(temps):
        memory = thermal.observe(memory, temp_c, 0.0, 0.0, float(now), 1.0 if now else 0.0)
        memory = thermal.score(memory, temp_c, float(now), float(horizon))
        said.append(outlook.forecast_c(memory, 0.0, float(horizon)))
    return said


def compare(temps: list[float], horizon: int) -> list[Errors]:
    """Per second: error of persistence, of the forecast, of strict persistence, and the first two on raw truth."""
    said = forecasts(temps, horizon)
    rows = []
    for i in range(FIRST, len(temps) - horizon - 3):
        truth = sum(temps[i + horizon - 2 : i + horizon + 3]) / 5.0
        recent = sum(temps[i - 4 : i + 1]) / 5.0
        raw = temps[i + horizon]
        rows.append(
            (
                abs(truth - temps[i]),
                abs(truth - said[i]),
                abs(truth - recent),
                abs(raw - temps[i]),
                abs(raw - said[i]),
            )
        )
    return rows


def report(name: str, rows: list[Errors]) -> None:
    """One line of the table."""
    moves = [r for r in rows if r[0] >= 0.5]

    def mean(
        pick: Callable[[tuple[float, ...]], float],
        of: list[Errors],
    ) -> float:
        return sum(pick(r) for r in of) / max(1, len(of))

    last, ours = mean(lambda r: r[0], rows), mean(lambda r: r[1], rows)
    strict = mean(lambda r: r[2], rows)
    raw_last, raw_ours = mean(lambda r: r[3], rows), mean(lambda r: r[4], rows)
    move_last, move_ours = mean(lambda r: r[0], moves), mean(lambda r: r[1], moves)
    print(
        f"{name:42s} {last:7.3f}C {ours:7.3f}C {_less(ours, last)} {_less(ours, strict)} {_less(raw_ours, raw_last)}"
        f" {len(moves):6d} {move_last:7.3f}C {move_ours:7.3f}C {_less(move_ours, move_last)}"
    )


def _less(ours: float, theirs: float) -> str:
    return f"{100.0 * (1.0 - ours / theirs):6.1f}%" if theirs else "      -"


if __name__ == "__main__":
    raise SystemExit(main())
