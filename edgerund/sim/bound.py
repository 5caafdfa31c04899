"""An upper bound of what any controller can score on a plant while it keeps the limits.

Heat and energy get prices. With a price ``lambda_t >= 0`` on every temperature limit and ``mu >= 0`` on the energy
budget, weak duality gives for every feasible run

    score <= sum_t max_v (worth[t, v] - pi_t * power[t, v] - mu * drain[t, v]) + constants(lambda, mu)

where ``pi_t`` is the price of one watt in the die at ``t``: the adjoint of the thermal recursion, driven by
lambda. So no thermal state is put on a grid and no price can make the bound wrong, only loose; the prices are
then improved by projected gradient steps (Birgin, Martinez, Raydan, SIAM J. Optim. 10:4, 2000, on a soft
maximum that is made harder step by step).

What is relaxed, each in favour of the bound: swaps are instant and free; the fan is at full speed wherever it
works, without drawing power; the limit is asked for only at the end of each block of up to three ticks; leakage is
its tangent; the battery's losses are those of a full one; loads cannot fail. It says nothing about a run that broke a
limit or ended below its reserve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgerund.sim.loader import footprint_bytes
from edgerund.sim.pricing import Thermal, improve, thermal_of
from edgerund.sim.serving import serve
from edgerund.sim.world import DT_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgerund.sim.plant import PlantLike
    from edgerund.sim.terms import Terms

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tables:
    """Worth per second, watts above idle and watts drawn from the cells: [tick, variant] for each ladder."""

    worth: list[Floats]
    power_w: list[Floats]
    drain_w: list[Floats]
    base_w: Floats
    base_drain_w: Floats


@dataclass(frozen=True, slots=True)
class Bound:
    """``effective_accuracy`` is comparable with that of a ``Score``; the prices say what binds."""

    effective_accuracy: float
    energy_price: float
    heat_price_mean: float
    evaluations: int


def upper_bound(plant: PlantLike, terms: Terms, evaluations: int = 400) -> Bound:
    """The bound for this plant's world under these terms.

    Args:
        plant: a fresh one: its world, thermal chain and starting temperatures are read.
        terms: limits and deadlines per tick.
        evaluations: how often the prices are tried; more makes it tighter, never wrong.
    """
    tables = _tables(plant, terms)
    thermal = thermal_of(plant, terms.temp_limit_c, tables.base_w)
    battery = plant.world.scenario.battery
    budget_j = None
    if battery is not None:
        start_wh = battery.capacity_wh * battery.start_percent / 100
        budget_j = 3600 * (start_wh - (terms.reserve_wh or 0.0)) - float(
            tables.base_drain_w.sum() * DT_S
        )
    prices = improve(_Dual(tables, thermal, budget_j), thermal.blocks, evaluations)
    offered = len(plant.world.truth) * sum(plant.world.rate_hz) * DT_S
    return Bound(
        effective_accuracy=prices.value / offered if offered else 0.0,
        energy_price=float(prices.mu),
        heat_price_mean=float(prices.heat.mean()),
        evaluations=prices.evaluations,
    )


class _Dual:
    """The dual function: value and gradient at given prices; ``softness`` 0 is the bound itself."""

    def __init__(self, tables: Tables, thermal: Thermal, budget_j: float | None) -> None:
        self._tables = tables
        self._thermal = thermal
        self._budget_j = budget_j

    def __call__(self, prices: Floats, softness: float) -> tuple[float, Floats, Floats]:
        """(value, gradient, price of a watt per tick); ``prices`` is lambda per block, then mu."""
        lam, mu = prices[:-1], float(prices[-1])
        thermal = self._thermal
        pi, constant = thermal.price(lam)
        value, power_w, drain_j = constant, np.zeros(len(pi)), 0.0
        for worth, power, drain in zip(
            self._tables.worth, self._tables.power_w, self._tables.drain_w, strict=True
        ):
            priced = (worth - mu * drain) * DT_S - pi[:, None] * power
            best = priced.max(axis=1)
            if softness:
                weight = np.exp((priced - best[:, None]) / softness)
                total = weight.sum(axis=1)
                value += float((best + softness * np.log(total)).sum())
                weight /= total[:, None]
            else:
                value += float(best.sum())
                weight = (priced == best[:, None]).astype(float)
                weight /= weight.sum(axis=1)[:, None]
            power_w += (weight * power).sum(axis=1)
            drain_j += float((weight * drain).sum()) * DT_S
        slack = np.zeros(len(prices))
        slack[:-1] = thermal.slack(power_w)
        if self._budget_j is not None:
            value += mu * self._budget_j
            slack[-1] = self._budget_j - drain_j
        return value, slack, pi


def _tables(plant: PlantLike, terms: Terms) -> Tables:
    world = plant.world
    device, battery = world.scenario.device, world.scenario.battery
    base_w = np.array(world.other_w) + device.idle_w
    cells_w = base_w + np.array(world.vehicle_w)
    loss = battery.resistance_ohm / battery.full_v**2 if battery else 0.0
    worth, power_w, drain_w = [], [], []
    for name, variants in world.truth.items():
        shape = (world.ticks, len(variants))
        sizes = [footprint_bytes(v, variants[-1]) for v in variants]
        w, p = np.zeros(shape), np.zeros(shape)
        for tick, deadline_ms in enumerate(terms.deadline_ms[name]):
            for i, truth in enumerate(variants):
                served = serve(world, tick, truth, deadline_ms)
                fits = sizes[i] <= world.lethal_bytes[tick]
                w[tick, i] = (
                    served.worth(truth.accuracy * world.keeps(tick, name, truth.name)) * fits
                )
                p[tick, i] = served.dynamic_w
        worth.append(w)
        power_w.append(p)
        # (b + p + q)^2 >= b^2 + 2 b (p + q) + p^2 + q^2: the joint loss of several ladders is never overestimated
        drain_w.append(p + loss * (2 * cells_w[:, None] * p + p * p))
    flying = np.arange(world.ticks) < terms.mission_ticks
    base_drain_w = (cells_w + loss * cells_w**2) * flying
    return Tables(worth, power_w, [d * flying[:, None] for d in drain_w], base_w, base_drain_w)
