"""What the operator asks for at every tick: the policy, and the changes that a scenario makes to it on the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgerund.sim.scenario import Change
from edgerund.sim.world import DT_S, World
from edgerund.types import LadderPlan
from edgerund.types.policy import PolicyPlan

GRACE_S = 90.0
"""After a temperature limit is lowered, heat needs this long to leave before seconds over it are counted."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One entry per tick. ``reloads`` holds the plan that takes effect at a tick.

    ``temp_limit_c`` is infinite where the policy has no limit (or none that has come into force);
    ``reserve_wh`` is what must be left when the mission ends, after ``mission_ticks`` (the whole run, if the policy
    names no time); None without a battery or a battery limit.
    """

    first: PolicyPlan
    reloads: dict[int, PolicyPlan]
    deadline_ms: dict[str, list[float]]
    temp_limit_c: list[float]
    reserve_wh: float | None
    mission_ticks: int


def terms_of(plan: PolicyPlan, world: World, ladders: Sequence[LadderPlan]) -> Terms:
    """The terms of a run of ``plan`` in this world."""
    scenario = world.scenario
    reloads: dict[int, PolicyPlan] = {}
    deadline_ms: dict[str, list[float]] = {ladder.name: [] for ladder in ladders}
    temp_limit_c: list[float] = []
    now, lowered_until = plan, -1
    limit_c, own_ms = _max_c(now), {name: _deadline(now, name) for name in deadline_ms}
    for tick in range(world.ticks):
        for change in scenario.changes:
            if int(change.at_s / DT_S) == tick and change.temp_limit_c is not None:
                before = limit_c
                now = _changed(now, change)
                reloads[tick] = now
                limit_c, own_ms = _max_c(now), {name: _deadline(now, name) for name in deadline_ms}
                if limit_c < before:
                    lowered_until = tick + int(GRACE_S / DT_S)
        asked_ms = world.client_deadline_ms[tick] or math.inf
        for name, values in deadline_ms.items():
            values.append(min(own_ms[name], asked_ms))
        temp_limit_c.append(math.inf if tick < lowered_until else limit_c)
    reserve_wh = None
    if scenario.battery is not None and plan.battery is not None:
        reserve_wh = scenario.battery.capacity_wh * plan.battery.reserve_percent / 100
    mission_ticks = world.ticks
    if plan.battery is not None and plan.battery.mission_s is not None:
        mission_ticks = max(1, min(world.ticks, int(plan.battery.mission_s / DT_S)))
    return Terms(plan, reloads, deadline_ms, temp_limit_c, reserve_wh, mission_ticks)


def _max_c(plan: PolicyPlan) -> float:
    return math.inf if plan.temp is None else plan.temp.max_c


def _deadline(plan: PolicyPlan, ladder: str) -> float:
    terms = plan.ladders.get(ladder)
    latency = terms.latency if terms is not None and terms.latency is not None else plan.latency
    return math.inf if latency is None else latency.max_ms


def _changed(plan: PolicyPlan, change: Change) -> PolicyPlan:
    if change.temp_limit_c is not None and plan.temp is not None:
        plan = replace(plan, temp=replace(plan.temp, max_c=change.temp_limit_c))
    return plan
