"""A battery with internal resistance, and the gauge that reads it."""

from __future__ import annotations

from edgerund.policy.bounds import at_least
from edgerund.sim import scenario
from edgerund.sim.world import DT_S


class Battery:
    """Charge in watt-hours of open-circuit energy; drawing P costs P plus the loss in the resistance."""

    def __init__(self, spec: scenario.Battery) -> None:
        self.spec = spec
        self.left_wh = spec.capacity_wh * spec.start_percent / 100

    @property
    def percent(self) -> float:
        """Charge left, 0..100."""
        return 100 * self.left_wh / self.spec.capacity_wh

    @property
    def empty(self) -> bool:
        """Whether the board has gone off."""
        return self.left_wh <= 0

    def drawn_w(self, power_w: float) -> float:
        """What leaves the cells when the board draws ``power_w``: P + I^2 R with I = P / V(charge)."""
        s = self.spec
        volts = s.empty_v + (s.full_v - s.empty_v) * self.left_wh / s.capacity_wh
        return power_w + (power_w / volts) ** 2 * s.resistance_ohm

    def step(self, power_w: float) -> None:
        """Draw ``power_w`` for one tick."""
        self.left_wh = at_least(0.0, self.left_wh - self.drawn_w(power_w) * DT_S / 3600)
