"""Thermal nodes in a row from die to air, a fan that follows the die, and the firmware's throttle."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgerund.policy.bounds import within
from edgerund.sim.scenario import Device
from edgerund.sim.world import DT_S


@dataclass(frozen=True, slots=True)
class Chain:
    """Nodes in a row: ``j_per_k[i]`` joined to node i+1 by ``w_per_k[i]``; the last one to air by the fan law.

    Leakage is ``leak_w * exp((die - 60) / leak_k)`` in the die.
    """

    j_per_k: tuple[float, ...]
    w_per_k: tuple[float, ...]
    still_w_per_k: float
    fan_w_per_k: float
    leak_w: float = 0.0
    leak_k: float = 30.0

    def leakage_w(self, die_c: float) -> float:
        """Leakage at this die temperature."""
        return self.leak_w * math.exp((die_c - 60.0) / self.leak_k) if self.leak_w else 0.0

    def leakage_floor(self, die_c: float) -> tuple[float, float]:
        """(offset, slope) of the tangent at ``die_c``: never above the true leakage, which is convex."""
        if not self.leak_w:
            return 0.0, 0.0
        slope = self.leakage_w(die_c) / self.leak_k
        return self.leakage_w(die_c) - slope * die_c, slope


def two_nodes(device: Device) -> Chain:
    """Die on sink on air: the structure that the controller also believes in."""
    return Chain(
        j_per_k=(device.die_j_per_k, device.sink_j_per_k),
        w_per_k=(1 / device.die_k_per_w,),
        still_w_per_k=device.still_w_per_k,
        fan_w_per_k=device.fan_w_per_k,
    )


def start_temperatures(
    chain: Chain, power_w: float, ambient_c: float, sun_w: float = 0.0
) -> list[float]:
    """Steady state with the fan at a third: a board that has idled for long."""
    away_w_per_k = chain.still_w_per_k + 0.33 * chain.fan_w_per_k
    temps = [ambient_c + (power_w + sun_w) / away_w_per_k]
    for link in reversed(chain.w_per_k):
        temps.insert(0, temps[0] + power_w / link)
    return temps


class Heat:
    """The temperatures. Explicit steps of one tick: the shortest time constant is several ticks long."""

    def __init__(self, chain: Chain, device: Device, start_c: list[float]) -> None:
        self.chain = chain
        self.temps_c = list(start_c)
        self.fan = 0.0
        self.throttled = False
        self._device = device

    def fan_power_w(self) -> float:
        """What the fan itself draws, outside the die."""
        return self._device.fan_w * self.fan

    @property
    def die_c(self) -> float:
        """The hottest node: the one that the limit is about."""
        return self.temps_c[0]

    def step(self, power_w: float, ambient_c: float, sun_w: float, fan_works: bool) -> None:
        """Advance by one tick with ``power_w`` (and leakage) in the die and the sun on the last node."""
        d, chain, temps = self._device, self.chain, self.temps_c
        span = d.fan_full_c - d.fan_start_c
        self.fan = within(0.0, (temps[0] - d.fan_start_c) / span, 1.0) if fan_works else 0.0
        into_w = power_w + chain.leakage_w(temps[0])
        last = len(temps) - 1
        for i in range(last):
            on_w = (temps[i] - temps[i + 1]) * chain.w_per_k[i]
            temps[i] += DT_S * (into_w - on_w) / chain.j_per_k[i]
            into_w = on_w
        away_w = (temps[last] - ambient_c) * (chain.still_w_per_k + chain.fan_w_per_k * self.fan)
        temps[last] += DT_S * (into_w + sun_w - away_w) / chain.j_per_k[last]
        if temps[0] >= d.throttle_c:
            self.throttled = True
        elif temps[0] < d.throttle_c - 3.0:
            self.throttled = False
