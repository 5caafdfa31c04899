"""The demo's board: heat and charge computed from which variant answers, written as the files of a real board."""

from __future__ import annotations

import math
from pathlib import Path

from edgerund.sensors.fake_board import FakeBoard
from edgerund.types import LadderPlan

IDLE_MW = 2500.0
TOP_MW = 9000.0
"""Drawn above idle while the best variant answers 30 frames a second; others in proportion to their latency."""
HEAT_C_PER_W = 3.2
TAU_S = 5.0
"""A board of 60 s compressed into 5 s, so that the demo fits into a minute."""
COOL_C, SUN_C = 25.0, 60.0
START_PERCENT, SUN_PERCENT, END_PERCENT = 64.0, 46.0, 12.0


class DemoBoard:
    """Two stories in one run: the sun comes and goes, then the battery runs down."""

    def __init__(self, root: Path, plan: LadderPlan, seconds: float) -> None:
        self.plan = plan
        self.root = root
        self.temp_c = COOL_C + HEAT_C_PER_W * (IDLE_MW + TOP_MW) / 1e3
        self.power_mw = IDLE_MW
        self.percent = START_PERCENT
        self.story = ""
        self._seconds = seconds
        self._board = FakeBoard(root)
        self._relative = _relative_cost(plan)
        self._work_mw = TOP_MW
        self._at_s = 0.0
        self._write()

    def worked(self, variant: str) -> None:
        """One frame was answered by ``variant``: power follows, smoothed over half a second."""
        self._work_mw += 0.06 * (TOP_MW * self._relative[variant] - self._work_mw)

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        step_s, self._at_s = now_s - self._at_s, now_s
        share = now_s / self._seconds
        ambient_c = COOL_C + (SUN_C - COOL_C) * _sun(share)
        self.power_mw = IDLE_MW + self._work_mw
        target_c = ambient_c + HEAT_C_PER_W * self.power_mw / 1e3
        self.temp_c += (target_c - self.temp_c) * (1 - math.exp(-step_s / TAU_S))
        if share < 0.6:
            self.percent = START_PERCENT + (SUN_PERCENT - START_PERCENT) * share / 0.6
        else:
            self.percent = SUN_PERCENT + (END_PERCENT - SUN_PERCENT) * (share - 0.6) / 0.4
        late = "in the shade" if share < 0.6 else "the battery runs down"
        self.story = "the sun is on the case" if _sun(share) > 0 else late
        self._write()

    def _write(self) -> None:
        self._board.zone("tj-thermal", self.temp_c)
        self._board.rail("VDD_IN", self.power_mw)
        self._board.battery(self.percent, power_mw=self.power_mw)


def _sun(share: float) -> float:
    """How much of the sun is on the case, 0..1, at ``share`` (0..1) of the run: it rises slowly, a cloud ends it."""
    if share >= 0.45:
        return 0.0
    return min(1.0, max(0.0, (share - 0.1) / 0.2))


def _relative_cost(plan: LadderPlan) -> dict[str, float]:
    """Cost of each variant as a share of the best one's: by the cards, else by its place."""
    top_ms = plan.variants[0].card.latency_ms
    cost = {}
    for i, v in enumerate(plan.variants):
        known = top_ms and v.card.latency_ms
        cost[v.name] = (
            min(1.0, v.card.latency_ms / top_ms)
            if known and v.card.latency_ms and top_ms
            else 0.5**i
        )
    return cost
