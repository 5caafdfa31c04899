"""Feeds one snapshot to every estimator: the senses, each ladder's latency, power, heat and battery."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from edgerund.policy import agreement, battery, floors, power, rules, slowdown, thermal
from edgerund.policy.limits import BATTERY_SENSES, lost_mode, watched
from edgerund.policy.loads import Costs, costs_of
from edgerund.policy.senses import Sensed, sense_all
from edgerund.policy.state import LadderMemory, State
from edgerund.policy.switching import refill
from edgerund.types import LadderState, ServingFigures, Snapshot
from edgerund.types.policy import PolicyPlan

LEAST_WINDOW_S = 1e-3


class Seen(NamedTuple):
    """What one snapshot says beside the state. ``watched`` are the senses that a limit depends on.

    ``costs`` are what each ladder's variants take. ``window_mw`` is what the models drew above idle in
    the last window by the cards, ``flow_mw`` the same at the smoothed rate.
    """

    now_s: float
    dt_s: float
    watched: Collection[str]
    sensed: Mapping[str, Sensed]
    costs: Mapping[str, Costs]
    window_mw: float
    flow_mw: float


def observe(policy: PolicyPlan, state: State, snapshot: Snapshot) -> tuple[State, Seen]:
    """The state after this snapshot, and what it says."""
    now_s = snapshot.now_s
    dt_s = 0.0 if state.at_s is None else max(0.0, now_s - state.at_s)
    limiting = watched(policy)
    sensed, memories = sense_all(
        _needed(policy, limiting), snapshot.senses, state.senses, now_s, policy.stale_after_s
    )
    ladders: dict[str, LadderMemory] = {}
    costs: dict[str, Costs] = {}
    window_mw = flow_mw = 0.0
    for name, ladder in snapshot.ladders.items():
        memory = _ladder(policy, state.ladders.get(name), ladder, now_s, dt_s)
        ladders[name] = memory
        costs[name] = costs_of(ladder, memory.latency)
        served, names = ladder.serving.variant, [v.name for v in ladder.variants]
        if served in names:
            energy = costs[name].energies[names.index(served)]
            window_mw += energy * _rate_hz(ladder.serving)
            flow_mw += energy * memory.flow_hz
    seen = Seen(now_s, dt_s, limiting, sensed, costs, window_mw, flow_mw)
    power_memory, drawn_mw = _power(policy, state.power, seen)
    return (
        State(
            now_s,
            memories,
            rules.update(policy.rules, state.rules, sensed),
            ladders,
            power_memory,
            _thermal(policy, state.thermal, power_memory.gain, seen),
            _battery(policy, state.battery, drawn_mw, seen),
            state.caps,
        ),
        seen,
    )


def _needed(policy: PolicyPlan, limiting: Mapping[str, None]) -> dict[str, None]:
    """The senses that this policy looks at, each once."""
    names = {"power_mw": None, "memory_available_bytes": None, **limiting}
    if policy.battery is not None:
        names["on_mains"] = None
    for rule in policy.rules:
        names.update(dict.fromkeys([c.sense for c in rule.when]))
    return names


def _ladder(
    policy: PolicyPlan,
    memory: LadderMemory | None,
    ladder: LadderState,
    now_s: float,
    dt_s: float,
) -> LadderMemory:
    memory = memory or LadderMemory()
    serving = ladder.serving
    cards = {v.name: v.card for v in ladder.variants if v.name == serving.variant}
    latency = slowdown.observe(memory.latency, serving, cards)
    switch = refill(memory.switch, policy.switching, now_s)
    wishes = floors.observe(memory.wishes, serving.accuracy_asked, now_s, policy.clients.active_s)
    agreed = agreement.observe(memory.agreement, serving, ladder, now_s)
    if serving.window_s < LEAST_WINDOW_S or (dt_s <= 0.0 and memory.latency.history):
        return memory._replace(latency=latency, switch=switch, wishes=wishes, agreement=agreed)
    flow = _rate_hz(serving)
    mean_ms = serving.infer_ms_mean
    busy_ms = mean_ms if mean_ms is not None and slowdown.plausible(mean_ms) else 0.0
    return LadderMemory(
        latency,
        switch,
        _demand(memory.rate_hz, flow + serving.refused / serving.window_s),
        memory.flow_hz + 0.3 * (flow - memory.flow_hz) if memory.flow_hz > 0.0 else flow,
        _demand(memory.busy, flow * busy_ms / 1000.0),
        now_s if serving.refused > 0 else memory.refused_s,
        wishes,
        memory.fps,
        agreed,
    )


def _rate_hz(serving: ServingFigures) -> float:
    """Answers per second; a window too short to tell counts as none."""
    return serving.rate_hz if serving.window_s >= LEAST_WINDOW_S else 0.0


def _demand(old: float, new: float) -> float:
    """Quick to believe that more is asked, slow to believe that less is."""
    return old + (0.6 if new > old else 0.1) * (new - old) if old > 0.0 else new


def _power(
    policy: PolicyPlan, memory: power.PowerMemory, seen: Seen
) -> tuple[power.PowerMemory, float]:
    """The power filter, and what the board drew since the last tick."""
    if policy.board.idle_mw is not None and not memory.seen:
        memory = memory._replace(idle_mw=policy.board.idle_mw)
    rail = seen.sensed[policy.power.sense if policy.power is not None else "power_mw"]
    if rail.kind == "fresh" and rail.value is not None:
        return power.observe(memory, rail.value, seen.window_mw, seen.dt_s), rail.value
    drawn_mw = power.total_mw(memory, seen.window_mw)
    if rail.news is not None and rail.news > drawn_mw:
        return power.observe(memory, rail.news, seen.window_mw, seen.dt_s), rail.news
    return memory, drawn_mw


def _thermal(
    policy: PolicyPlan, memory: thermal.ThermalMemory, gain: float, seen: Seen
) -> thermal.ThermalMemory:
    if policy.temp is None:
        return memory
    reading = seen.sensed[policy.temp.sense]
    fresh = reading.kind == "fresh"
    temp_c = reading.value if fresh else reading.news
    if not memory.ready:
        if temp_c is None or not fresh:
            return memory
        memory = thermal.begin(temp_c, seen.flow_mw, policy.board.heat_c_per_w, policy.board.tau_s)
    step_mw = gain * (seen.flow_mw - memory.load_mw)
    memory = thermal.observe(
        memory, temp_c, step_mw, seen.flow_mw, seen.now_s, seen.dt_s, old=not fresh
    )
    if not fresh or temp_c is None:
        return thermal.weighted(memory)
    return thermal.score(memory, temp_c, seen.now_s, policy.temp.horizon_s)


def _battery(
    policy: PolicyPlan, memory: battery.BatteryMemory, drawn_mw: float, seen: Seen
) -> battery.BatteryMemory:
    sensed = seen.sensed
    if policy.battery is None or all(sensed[name].kind == "absent" for name in BATTERY_SENSES):
        return memory
    percent, energy, left = [_value(sensed[name]) for name in BATTERY_SENSES]
    mains = _value(sensed["on_mains"])
    gauge = battery.Gauge(percent, energy, left, mains is not None and mains >= 0.5)
    now_s, dt_s = seen.now_s, seen.dt_s
    found = battery.observe(memory, policy.battery, gauge, drawn_mw, now_s, dt_s)
    if all(sensed[name].old is None for name in BATTERY_SENSES):
        return found
    # what a gauge said too long ago counts where it leaves less than what is known without it
    percent, energy, left = (_told(policy, sensed[name]) for name in BATTERY_SENSES)
    gauge = battery.Gauge(percent, energy, left, gauge.on_mains)
    as_told = battery.observe(memory, policy.battery, gauge, drawn_mw, now_s, dt_s)
    return battery.emptier(found, as_told, policy.battery, now_s)


def _told(policy: PolicyPlan, seen: Sensed) -> float | None:
    """What a sense says, however old, unless the policy does not mind."""
    if seen.old is None or lost_mode(policy, seen.name) == "ignore":
        return _value(seen)
    return seen.old


def _value(seen: Sensed) -> float | None:
    return seen.value if seen.usable else None
