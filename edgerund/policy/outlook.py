"""Where the temperature will be: what the members of the thermal bank expect, as lines over the power."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from edgerund.policy import filters
from edgerund.policy.thermal import FAST_TAU_S, ThermalMemory


class Outlook(NamedTuple):
    """The temperature some time ahead: ``steady_c`` at the present power, and ``c_per_w`` for each watt more."""

    steady_c: float
    c_per_w: float

    def temp_c(self, more_mw: float) -> float:
        """With ``more_mw`` above the present power from now on."""
        return self.steady_c + self.c_per_w * more_mw / 1000.0

    def room_mw(self, limit_c: float) -> float:
        """How much more power just reaches ``limit_c``; negative: so much less is needed."""
        return (limit_c - self.steady_c) / self.c_per_w * 1000.0


def outlooks(memory: ThermalMemory, aheads_s: Sequence[float]) -> list[Outlook]:
    """What the members expect on average at each of these times."""
    members = [
        (f.tau_s, f.slow_c, f.gap_c, f.heat_used, weight, weight * f.heat_used)
        for f, weight in zip(memory.bank, memory.weights, strict=True)
    ]
    watts = memory.power_mw / 1000.0
    hurry_w = memory.fast_w - watts
    expected: list[Outlook] = []
    for ahead_s in aheads_s:
        left = math.exp(-ahead_s / FAST_TAU_S)
        part = filters.FAST_SHARE * (watts + hurry_w * left)
        gone = filters.FAST_SHARE * (1.0 - left)
        steady = slope = 0.0
        for tau_s, slow_c, gap_c, heat, weight, weighty in members:
            move = 1.0 - math.exp(-ahead_s / tau_s)
            steady += weight * (slow_c + move * gap_c + part * heat)
            slope += weighty * (move + gone)
        expected.append(Outlook(steady, slope))
    return expected


def forecast_c(memory: ThermalMemory, more_mw: float, ahead_s: float) -> float:
    """Temperature after ``ahead_s`` of ``more_mw`` above the present power."""
    (expected,) = outlooks(memory, (ahead_s,))
    return expected.temp_c(more_mw)


def doubt_c(memory: ThermalMemory, ahead_s: float) -> float:
    """Standard deviation that the filters themselves give the forecast: it grows while there is no reading."""
    return sum(
        w * filters.deviation(f, ahead_s) for f, w in zip(memory.bank, memory.weights, strict=True)
    )
