"""The imagined device: one tick of serving, power, heat, battery and memory, and the snapshot it shows."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from edgerund.policy.bounds import at_most
from edgerund.sim import battery
from edgerund.sim.cards import truths
from edgerund.sim.figures import figures
from edgerund.sim.heat import Chain, Heat, start_temperatures, two_nodes
from edgerund.sim.loader import Loader
from edgerund.sim.scenario import Scenario
from edgerund.sim.senses import ZONES, Senses
from edgerund.sim.serving import Served, serve
from edgerund.sim.shadowing import Shadowing
from edgerund.sim.world import DT_S, Truth, World, draw
from edgerund.types import LadderPlan, LadderState, ServingFigures, Shadow, Snapshot

WALL_START_S = 1_700_000_000.0


class LadderRow(NamedTuple):
    """One ladder in one tick. ``worth`` is accuracy x answers in time per second; ``offered`` frames per second."""

    live: str
    accuracy: float
    worth: float
    offered_hz: float
    in_time: float
    infer_ms: float
    event: str


class Row(NamedTuple):
    """What truly happened in one tick, which no controller sees."""

    t_s: float
    die_c: float
    power_w: float
    left_wh: float | None
    fan: float
    throttled: bool
    ladders: Mapping[str, LadderRow]


class PlantLike(Protocol):
    """What the runner needs of a plant: ``--plant module:Class`` names a class of this form.

    It is made with (scenario, ladders, seed). ``world`` and ``chain`` are what the bound reads: the bound is one
    for this plant only if they tell the truth.
    """

    world: World
    chain: Chain
    start_c: list[float]

    def __init__(self, scenario: Scenario, ladders: Sequence[LadderPlan], seed: int) -> None: ...

    def snapshot(self) -> Snapshot:
        """What the controller is told now."""
        ...

    def advance(
        self,
        wanted: Mapping[str, str],
        deadline_ms: Mapping[str, float],
        warm: Mapping[str, Sequence[str]],
    ) -> Row:
        """Carry out the wish for one tick."""
        ...


def at_speed(truth: Truth, speed: float) -> Truth:
    """A variant on a board whose frequency is capped to the share ``speed``.

    Time grows as the frequency falls; energy per inference falls with its square, as the voltage follows the
    frequency. What the board draws idle stays: the simplest model that has both effects.
    """
    if speed >= 1.0:
        return truth
    return replace(
        truth, latency_ms=truth.latency_ms / speed, energy_j=truth.energy_j * speed * speed
    )


class Plant:
    """The default plant: two-node heat, fan, firmware throttle, battery, contention, bursts, lying sensors."""

    rail_share = 1.0
    """Share of the board's power that the measured rail sees."""
    speed = 1.0
    """Share (above 0, at most 1) of its full frequency that the board is capped to."""

    def __init__(self, scenario: Scenario, ladders: Sequence[LadderPlan], seed: int) -> None:
        self.world = self.make_world(scenario, ladders, seed)
        self.chain = self.make_chain(self.world)
        device = scenario.device
        self.start_c = start_temperatures(
            self.chain, device.idle_w, self.world.ambient_c[0], self.world.sun_w[0]
        )
        self._heat = Heat(self.chain, device, self.start_c)
        self._battery = battery.Battery(scenario.battery) if scenario.battery else None
        self._loaders = {
            plan.name: Loader(
                self.world.truth[plan.name],
                [v.card for v in plan.variants],
                scenario.engine_faults,
            )
            for plan in ladders
        }
        self._tick = 0
        self._power_w = self._smooth_w = device.idle_w
        self._over_current = False
        self._served = dict.fromkeys(self._loaders, ServingFigures())
        self._rng = random.Random(f"senses {seed}")
        self._senses = Senses(scenario.sensor_faults, self._rng)
        self._shadowing = Shadowing(seed)
        self.shadows: Mapping[str, Shadow] = {}

    def make_world(self, scenario: Scenario, ladders: Sequence[LadderPlan], seed: int) -> World:
        """The world that this plant lives in."""
        return draw(scenario, {plan.name: truths(plan) for plan in ladders}, seed)

    def make_chain(self, world: World) -> Chain:
        """The thermal structure."""
        return two_nodes(world.scenario.device)

    def snapshot(self) -> Snapshot:
        now_s = self._tick * DT_S
        return Snapshot(
            now_s,
            WALL_START_S + now_s,
            self._senses.observe(now_s, self._true_values()),
            {
                name: LadderState(
                    name,
                    loader.states(),
                    None if loader.away_ticks else loader.live,
                    loader.since_s,
                    None,
                    self._served[name],
                )
                for name, loader in self._loaders.items()
            },
        )

    def advance(
        self,
        wanted: Mapping[str, str],
        deadline_ms: Mapping[str, float],
        warm: Mapping[str, Sequence[str]],
    ) -> Row:
        world, tick, heat = self.world, self._tick, self._heat
        device = world.scenario.device
        now_s = tick * DT_S
        dead = self._battery is not None and self._battery.empty
        power_w = device.idle_w + world.other_w[tick] + heat.fan_power_w()
        self._over_current = False
        rows: dict[str, LadderRow] = {}
        for name, loader in self._loaders.items():
            loader.step(
                now_s,
                wanted.get(name, loader.live),
                warm.get(name, ()),
                world.memory_bytes[tick],
                world.lethal_bytes[tick],
            )
            throttle = device.throttle_slowdown if heat.throttled else 1.0
            truth = at_speed(loader.variants[loader.live], self.speed)
            served = serve(world, tick, truth, deadline_ms.get(name, math.inf), throttle)
            away = dead or loader.away_ticks > 0
            if not away:
                power_w += served.dynamic_w + device.loading_w * loader.loading
                self._over_current |= served.over_current
            told = figures(truth, served, away, world.client_deadline_ms[tick], self._rng)
            self._served[name], beside_w = self._shadowing.run(
                world, tick, name, loader, self.shadows.get(name), told
            )
            power_w += beside_w
            rows[name] = _row(loader, served, away, world.keeps(tick, name, loader.live))
        if dead:
            power_w = 0.0
        board_w = 0.0 if dead else power_w + self.chain.leakage_w(heat.die_c)
        if self._battery is not None:
            self._battery.step(board_w + world.vehicle_w[tick])
        self._power_w = board_w
        self._smooth_w += 0.1 * (board_w + world.vehicle_w[tick] - self._smooth_w)
        heat.step(
            power_w - heat.fan_power_w() * (not dead),
            world.ambient_c[tick],
            world.sun_w[tick],
            world.fan_works[tick],
        )
        self._tick += 1
        left_wh = self._battery.left_wh if self._battery else None
        return Row(now_s, heat.die_c, self._power_w, left_wh, heat.fan, heat.throttled, rows)

    def _true_values(self) -> dict[str, float]:
        world, die_c = self.world, self._heat.die_c
        tick = min(self._tick, world.ticks - 1)
        resident = sum([loader.resident_bytes() for loader in self._loaders.values()])
        available = max(0, world.memory_bytes[tick] - resident)
        values = {
            ZONES[0]: die_c,
            ZONES[1]: die_c - 1.5,
            "power_mw": 1000 * self._power_w * self.rail_share,
            "throttled": float(self._heat.throttled or self._over_current),
            "on_mains": float(self._battery is None),
            "memory_available_bytes": available,
            "memory_pressure": 0.0 if available > 3e8 else 5.0 + 20.0 * (1 - available / 3e8),
            "cpu_load": at_most(1.0, 0.2 + 0.3 * (world.slowdown[tick] - 1)),
        }
        if self._battery is not None:
            left_mwh = 1000 * self._battery.left_wh
            values["battery_percent"] = self._battery.percent
            values["battery_energy_mwh"] = left_mwh
            values["battery_left_s"] = 3.6 * left_mwh / max(0.1, self._smooth_w)
        return values


def _row(loader: Loader, served: Served, away: bool, keeps: float) -> LadderRow:
    live, offered_hz = loader.live, served.offered_hz
    accuracy = loader.variants[live].accuracy * keeps
    if away or offered_hz <= 0:
        return LadderRow(live, accuracy, 0.0, offered_hz, 0.0, served.infer_ms, loader.event)
    in_time = served.answered_hz * served.in_time / offered_hz
    return LadderRow(
        live, accuracy, served.worth(accuracy), offered_hz, in_time, served.infer_ms, loader.event
    )
