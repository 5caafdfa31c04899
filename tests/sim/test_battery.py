from __future__ import annotations

import pytest

from edgerund.sim.battery import Battery
from edgerund.sim.scenario import Battery as Spec


def test_without_resistance_it_loses_what_is_drawn() -> None:
    battery = Battery(Spec(capacity_wh=10, resistance_ohm=0))
    for _ in range(3600):
        battery.step(4.0)
    assert battery.left_wh == pytest.approx(6.0)
    assert battery.percent == pytest.approx(60.0)


def test_resistance_costs_more_at_the_low_voltage_end() -> None:
    battery = Battery(Spec(capacity_wh=10, resistance_ohm=0.2))
    full = battery.drawn_w(20.0)
    assert full == pytest.approx(20 + (20 / 16.8) ** 2 * 0.2)
    battery.left_wh = 1.0
    assert battery.drawn_w(20.0) > full > 20.0


def test_it_runs_empty_and_stays_so() -> None:
    battery = Battery(Spec(capacity_wh=0.001))
    battery.step(1000.0)
    assert battery.empty
    assert battery.left_wh == 0.0
