"""The board as a process of its own: reads the worker's CPU time, and writes what a real board's files would say."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from edgerund.client.control import ControlClient
from edgerund.errors import ControlError
from edgerund.sensors.fake_board import FakeBoard
from tools.heat_run.plant import Charge, Constants, Heat

STEP_S = 0.2
ASK_S = 1.0
ZONE, RAIL = "tj-thermal", "VDD_IN"
ZONE_LSB_C, RAIL_LSB_MW = 1 / 16, 40.0
"""What one code of the board's converters means; an INA3221 at 5 V with a shunt of 5 mOhm has 40 mW."""
FAULTS = ("gone", "garbage", "cold", "frozen")


@dataclass(frozen=True, slots=True)
class Fault:
    """The thermal zone is ``gone``, says ``garbage``, -274 C (``cold``), or its last value (``frozen``)."""

    kind: str
    at_s: float
    for_s: float

    def on(self, now_s: float) -> bool:
        """Whether it is broken now."""
        return self.at_s <= now_s < self.at_s + self.for_s


@dataclass(frozen=True, slots=True)
class Story:
    """What happens to the board. Times in the board's own seconds, ``speed`` of them in each real one."""

    constants: Constants = field(default_factory=Constants)
    speed: float = 1.0
    limit_c: float = 70.0
    sun: tuple[float, float, float] | None = None
    """From, to, watts on the case."""
    faults: tuple[Fault, ...] = ()
    battery_mwh: float | None = None
    start_percent: float = 90.0


def cpu_s(pid: int) -> float:
    """User and system time of a process, all threads, in steps of a clock tick. Raises OSError where it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Board:
    """Physics, files and the trace of one board."""

    def __init__(self, root: Path, story: Story) -> None:
        self.story = story
        self.heat = Heat(story.constants)
        full_mwh = story.battery_mwh
        self.charge = None if full_mwh is None else Charge(full_mwh, story.start_percent)
        self.over_limit_s = 0.0
        self.hottest_c = self.heat.die_c
        self._files = FakeBoard(root)
        self._rail_w = story.constants.start_w
        self._told_c: float | None = None
        self.write(0.0)

    def advance(self, now_s: float, dt_s: float, share: float) -> None:
        """``dt_s`` (the board's seconds, up to ``now_s``) during which the worker kept ``share`` cores busy."""
        c, story = self.story.constants, self.story
        power_w = c.idle_w + c.core_w * share
        self.heat.step(dt_s, power_w, self.sun_w(now_s))
        if self.heat.die_c >= story.limit_c:
            self.over_limit_s += dt_s
        self.hottest_c = max(self.hottest_c, self.heat.die_c)
        if self.charge is not None:
            self.charge.draw(
                dt_s / story.speed, power_w
            )  # watts are real: a fast board has a small one
        self._rail_w += 0.4 * (power_w - self._rail_w)  # the chip averages
        self.write(now_s)

    def sun_w(self, now_s: float) -> float:
        """What the sun brings."""
        sun = self.story.sun
        return sun[2] if sun is not None and sun[0] <= now_s < sun[1] else 0.0

    def write(self, now_s: float) -> None:
        """The files, as broken as the story says."""
        self._write_zone(next((f.kind for f in self.story.faults if f.on(now_s)), None))
        power_mw = RAIL_LSB_MW * round(1e3 * self._rail_w / RAIL_LSB_MW)
        self._files.rail(RAIL, power_mw)
        if self.charge is not None:
            full_mwh = self.charge.full_mwh
            self._files.battery(self.charge.percent, power_mw=power_mw, full_mwh=full_mwh)

    def load(self, share: float) -> None:
        """A second went by with ``share`` cores busy, of the four that the board has."""
        self._files.cpu_load(min(1.0, share / 4))

    def _write_zone(self, fault: str | None) -> None:
        folder = "/sys/class/thermal/thermal_zone0"
        if fault == "gone":
            self._files.lose(folder)
            self._told_c = None
        elif fault in ("garbage", "cold"):
            self._files.write(f"{folder}/temp", "-274000" if fault == "cold" else "no data")
            self._told_c = None
        elif fault is None:
            self._told_c = ZONE_LSB_C * round(self.heat.die_c / ZONE_LSB_C)
            self._files.zone(ZONE, self._told_c)

    def row(self, now_s: float, share: float, ladder: dict[str, Any]) -> dict[str, Any]:
        """One line of the trace."""
        reason = ladder.get("reason") or {}
        return {
            "at_s": round(now_s, 2),
            "temp_c": round(self.heat.die_c, 3),
            "told_c": self._told_c,
            "case_c": round(self.heat.case_c, 3),
            "power_w": round(self._rail_w, 3),
            "share": round(share, 4),
            "percent": None if self.charge is None else round(self.charge.percent, 3),
            "variant": ladder.get("live"),
            "code": reason.get("code"),
            "because": reason.get("text"),
        }


class Worker:
    """The worker of the daemon's only ladder: how busy it was. After a crash it is another process."""

    def __init__(self, runtime_dir: Path) -> None:
        self.ladder: dict[str, Any] = {}
        self._control = ControlClient(runtime_dir, timeout_s=0.5)
        self._pid = 0
        self._seen_cpu_s = 0.0

    def ask(self) -> None:
        """Which process it is, and what answers; an answer that does not come changes nothing."""
        try:
            self.ladder = self._control.call("status")["ladders"][0]
        except ControlError:
            return
        pid = self.ladder["pid"] or 0
        if pid != self._pid:
            first = self._pid == 0
            self._pid, self._seen_cpu_s = pid, 0.0
            if first:
                self.spent_s()  # what it did before the run is not the run's

    def spent_s(self) -> float:
        """CPU seconds since the last call."""
        try:
            total_s = cpu_s(self._pid) if self._pid else self._seen_cpu_s
        except OSError:  # it has just died
            return 0.0
        spent_s, self._seen_cpu_s = total_s - self._seen_cpu_s, total_s
        return spent_s

    def close(self) -> None:
        """Drop the connection."""
        self._control.close()


def run_board(root: str, story: Story, pipe: Connection) -> None:
    """The process: says ``ready``, waits for ``(runtime_dir, origin_s)``, lives until a word, and sends its trace."""
    board = Board(Path(root), story)
    pipe.send("ready")
    runtime_dir, origin_s = pipe.recv()
    worker = Worker(Path(runtime_dir))
    worker.ask()
    rows = _live(board, worker, origin_s, pipe)
    worker.close()
    pipe.send({"rows": rows, "over_limit_s": board.over_limit_s, "hottest_c": board.hottest_c})


def _live(board: Board, worker: Worker, origin_s: float, pipe: Connection) -> Sequence[Any]:
    speed = board.story.speed
    rows: list[dict[str, Any]] = []
    step_s, every_s = STEP_S / min(speed, 4.0), ASK_S / speed
    before_s = row_s = max(origin_s, time.monotonic())
    since_row_s = 0.0
    while not pipe.poll(max(0.0, before_s + step_s - time.monotonic())):
        now_s = time.monotonic()
        spent_s = worker.spent_s()
        real_s, before_s = now_s - before_s, now_s
        since_row_s += spent_s
        at_s = (now_s - origin_s) * speed
        board.advance(at_s, real_s * speed, spent_s / max(real_s, 1e-3))
        if now_s - row_s >= every_s:
            worker.ask()
            share = since_row_s / (now_s - row_s)
            board.load(share)
            rows.append(board.row(at_s, share, worker.ladder))
            row_s, since_row_s = now_s, 0.0
    pipe.recv()
    return rows
