"""The board's physics: watts from CPU time, two thermal nodes, a battery. Constants of its own, told to nobody."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_STEP_S = 0.1


@dataclass(frozen=True, slots=True)
class Constants:
    """A fanless module in warm air whose core stands for its accelerator.

    At 0.3 of a core it draws 6.8 W and settles 39 C above the air, the case with a time constant of two minutes.
    """

    idle_w: float = 2.0
    core_w: float = 16.0
    """Drawn above idle while the worker keeps one core busy, in proportion while it does for less."""
    air_c: float = 38.0
    die_j_per_k: float = 3.0
    die_k_per_w: float = 1.2
    case_j_per_k: float = 28.0
    case_w_per_k: float = 0.22
    start_w: float = 3.0
    """It has drawn this much for long when the run begins."""


class Heat:
    """Die on case on air: the equations of ``edgerund.sim.heat`` without the fan."""

    def __init__(self, constants: Constants) -> None:
        c = self._constants = constants
        self.case_c = c.air_c + c.start_w / c.case_w_per_k
        self.die_c = self.case_c + c.start_w * c.die_k_per_w

    def step(self, dt_s: float, power_w: float, sun_w: float = 0.0) -> None:
        """Let ``dt_s`` pass with ``power_w`` in the die and the sun on the case."""
        c = self._constants
        while dt_s > 0.0:
            part_s = min(dt_s, LONGEST_STEP_S)
            dt_s -= part_s
            into_case_w = (self.die_c - self.case_c) / c.die_k_per_w
            away_w = (self.case_c - c.air_c) * c.case_w_per_k
            self.die_c += part_s * (power_w - into_case_w) / c.die_j_per_k
            self.case_c += part_s * (into_case_w + sun_w - away_w) / c.case_j_per_k


class Charge:
    """What is left in the battery; it ends at nothing."""

    def __init__(self, full_mwh: float, start_percent: float) -> None:
        self.full_mwh = full_mwh
        self._left_mwh = full_mwh * start_percent / 100.0

    @property
    def percent(self) -> float:
        """Of the full charge."""
        return 100.0 * self._left_mwh / self.full_mwh

    def draw(self, dt_s: float, power_w: float) -> None:
        """Take ``power_w`` for ``dt_s``."""
        self._left_mwh = max(0.0, self._left_mwh - power_w * dt_s / 3.6)
