"""Everything that happens whatever the controller does: drawn once per scenario and seed, one entry per tick."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from edgerund.sim.scenario import Scenario, along

DT_S = 1.0
"""Length of a tick. Plant, bound and controllers all step by it."""
THRASH_TICKS = 6
"""How long a worker that no longer fits thrashes before it is killed for memory."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One variant as this very board runs it (the card is what another board measured)."""

    name: str
    accuracy: float
    latency_ms: float
    sigma: float
    energy_j: float
    memory_bytes: int
    load_ticks: int
    sensitivity: float
    """Share of a contention's slowdown that this variant feels."""


@dataclass(frozen=True, slots=True)
class World:
    """Lists with one entry per tick; ``truth`` per ladder, best variant first."""

    scenario: Scenario
    seed: int
    ticks: int
    truth: dict[str, tuple[Truth, ...]]
    ambient_c: list[float]
    sun_w: list[float]
    other_w: list[float]
    vehicle_w: list[float]
    fan_works: list[bool]
    rate_hz: list[float]
    slowdown: list[float]
    over_current_w: list[float]
    memory_bytes: list[int]
    lethal_bytes: list[int]
    """The most that was free in the last ``THRASH_TICKS``: a worker larger than this is killed."""
    client_deadline_ms: list[float | None]
    contended: list[bool]
    """Ticks in which another program or a burst competes."""

    def keeps(self, tick: int, ladder: str, variant: str) -> float:
        """Share of its accuracy that a variant keeps in the scene of this tick."""
        share = 1.0
        for drift in self.scenario.drift:
            named = variant in drift.variants
            others = not drift.variants and variant != self.truth[ladder][0].name
            if (named or others) and drift.holds(tick * DT_S):
                share *= drift.keeps
        return share


def draw(scenario: Scenario, ladders: dict[str, Sequence[Truth]], seed: int) -> World:
    """The world of this scenario and seed. ``ladders`` holds the cards; each seed is another board."""
    rng = random.Random(f"world {seed}")
    ticks = int(scenario.duration_s / DT_S)
    offset_c = rng.uniform(-scenario.ambient_spread_c, scenario.ambient_spread_c)
    truth = {name: _board(variants, scenario, rng) for name, variants in ladders.items()}
    bursts = _bursts(scenario, ticks, rng)
    slowdown, extra_w, contended = _contention(scenario, ticks, rng)
    times = [i * DT_S for i in range(ticks)]
    vehicle = 1 + rng.uniform(-0.02, 0.02)
    memory_bytes = _memory(scenario, times)
    asked = [c for c in scenario.changes if c.deadline_ms is not None]
    return World(
        scenario=scenario,
        seed=seed,
        ticks=ticks,
        truth=truth,
        ambient_c=[c + offset_c for c in along(scenario.ambient_c, times)],
        sun_w=along(scenario.sun_w, times),
        other_w=[w + e for w, e in zip(along(scenario.other_w, times), extra_w, strict=True)],
        vehicle_w=[w * vehicle for w in along(scenario.vehicle_w, times)],
        fan_works=[not any(w.holds(t) for w in scenario.fan_fails) for t in times]
        if scenario.fan_fails
        else [True] * ticks,
        rate_hz=[
            hz * b * _arriving(scenario, t)
            for t, hz, b in zip(times, along(scenario.load.rate_hz, times), bursts, strict=True)
        ],
        slowdown=slowdown,
        over_current_w=[
            min((w.limit_w for w in scenario.over_current if w.holds(t)), default=math.inf)
            for t in times
        ]
        if scenario.over_current
        else [math.inf] * ticks,
        memory_bytes=memory_bytes,
        lethal_bytes=[max(memory_bytes[max(0, i - THRASH_TICKS) : i + 1]) for i in range(ticks)],
        client_deadline_ms=[
            next((c.deadline_ms for c in reversed(asked) if c.at_s <= t), None) for t in times
        ]
        if asked
        else [None] * ticks,
        contended=[c or b != 1.0 for c, b in zip(contended, bursts, strict=True)],
    )


def _board(cards: Sequence[Truth], scenario: Scenario, rng: random.Random) -> tuple[Truth, ...]:
    """This board: all variants a little off together, and each a little by itself."""
    spread = scenario.device.card_spread
    slower, hungrier = 1 + rng.uniform(-spread, spread), 1 + rng.uniform(-spread, spread)
    feels = max((c.spread for c in scenario.contention), default=0.0)
    return tuple(
        Truth(
            name=c.name,
            accuracy=c.accuracy,
            latency_ms=c.latency_ms * slower * (1 + rng.uniform(-spread, spread) / 2),
            sigma=c.sigma,
            energy_j=c.energy_j * hungrier * (1 + rng.uniform(-spread, spread) / 2),
            memory_bytes=c.memory_bytes,
            load_ticks=c.load_ticks,
            sensitivity=1 + rng.uniform(-feels, feels),
        )
        for c in cards
    )


def _arriving(scenario: Scenario, t_s: float) -> float:
    """Share of the frames that the network delivers."""
    share = 1.0
    for fault in scenario.network_faults:
        if fault.holds(t_s):
            share *= 1 - fault.loss
    return share


def _memory(scenario: Scenario, times: Sequence[float]) -> list[int]:
    all_bytes = scenario.device.memory_bytes
    if not scenario.memory_pressure:
        return [all_bytes] * len(times)
    return [
        min((w.available_bytes for w in scenario.memory_pressure if w.holds(t)), default=all_bytes)
        for t in times
    ]


def _bursts(scenario: Scenario, ticks: int, rng: random.Random) -> list[float]:
    factor = [1.0] * ticks
    bursts = scenario.load.bursts
    if bursts is None:
        return factor
    t_s = rng.uniform(0.3, 1.0) * bursts.every_s
    while t_s < scenario.duration_s:
        for i in range(int(t_s / DT_S), min(ticks, int((t_s + bursts.lasts_s) / DT_S))):
            factor[i] = bursts.factor
        t_s += bursts.lasts_s + rng.uniform(0.7, 1.3) * bursts.every_s
    return factor


def _contention(
    scenario: Scenario, ticks: int, rng: random.Random
) -> tuple[list[float], list[float], list[bool]]:
    """Slowdown with a slow seeded ripple (first-order, 2 %), extra watts, and whether anything competes."""
    slowdown, extra_w, contended, ripple = [], [], [], 0.0
    for i in range(ticks):
        active = [c for c in scenario.contention if c.holds(i * DT_S)]
        ripple = 0.9 * ripple + 0.00872 * rng.gauss(0, 1)
        slowdown.append(max([1.0, *(c.factor for c in active)]) * (1 + ripple))
        extra_w.append(sum(c.extra_w for c in active))
        contended.append(bool(active))
    return slowdown, extra_w, contended
