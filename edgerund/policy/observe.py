"""Feeds one snapshot to every estimator: the senses, each ladder's latency, power, heat and battery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgerund.policy import battery, power, rules, slowdown, thermal
from edgerund.policy.candidates import live_load_mw
from edgerund.policy.ceilings import BATTERY_SENSES, watched
from edgerund.policy.senses import Sensed, sense_all
from edgerund.policy.state import LadderMemory, State
from edgerund.policy.switching import refill
from edgerund.types import LadderState, ServingFigures, Snapshot
from edgerund.types.policy import PolicyPlan

LEAST_WINDOW_S = 1e-3


def observe(
    policy: PolicyPlan, state: State, snapshot: Snapshot
) -> tuple[State, dict[str, Sensed]]:
    """The state after this snapshot, and what its senses say."""
    now_s = snapshot.now_s
    dt_s = 0.0 if state.at_s is None else max(0.0, now_s - state.at_s)
    names = dict.fromkeys(
        ("power_mw", "on_mains", "memory_available_bytes", *BATTERY_SENSES, *watched(policy))
    )
    names.update(dict.fromkeys(c.sense for rule in policy.rules for c in rule.when))
    sensed, memories = sense_all(names, snapshot.senses, state.senses, now_s, policy.stale_after_s)
    ladders = {
        name: _ladder(policy, state.ladders.get(name, LadderMemory()), ladder, now_s, dt_s)
        for name, ladder in snapshot.ladders.items()
    }
    state = replace(
        state,
        at_s=now_s,
        senses=memories,
        rules=rules.update(policy.rules, state.rules, sensed),
        ladders=ladders,
    )
    state, drawn_mw = _power(policy, state, snapshot, sensed, dt_s)
    state = _thermal(policy, state, snapshot, sensed, dt_s)
    return _battery(policy, state, sensed, drawn_mw, now_s, dt_s), sensed


def _ladder(
    policy: PolicyPlan, memory: LadderMemory, ladder: LadderState, now_s: float, dt_s: float
) -> LadderMemory:
    serving = ladder.serving
    latency = slowdown.observe(memory.latency, serving, {v.name: v.card for v in ladder.variants})
    switch = refill(memory.switch, policy.switching, now_s)
    if serving.window_s < LEAST_WINDOW_S or (dt_s <= 0.0 and memory.latency.history):
        return replace(memory, latency=latency, switch=switch)
    rate = (serving.answered + serving.refused) / serving.window_s
    flow = _rate_hz(serving)
    mean_ms = serving.infer_ms_mean
    busy_ms = mean_ms if mean_ms is not None and slowdown.plausible(mean_ms) else 0.0
    return LadderMemory(
        latency,
        switch,
        _demand(memory.rate_hz, rate),
        memory.flow_hz + 0.3 * (flow - memory.flow_hz) if memory.flow_hz > 0.0 else flow,
        _demand(memory.busy, flow * busy_ms / 1000.0),
    )


def _rate_hz(serving: ServingFigures) -> float:
    """Answers per second; a window too short to tell counts as none."""
    return serving.rate_hz if serving.window_s >= LEAST_WINDOW_S else 0.0


def _demand(old: float, new: float) -> float:
    """Quick to believe that more is asked, slow to believe that less is."""
    return old + (0.6 if new > old else 0.1) * (new - old) if old > 0.0 else new


def _power(
    policy: PolicyPlan, state: State, snapshot: Snapshot, sensed: Mapping[str, Sensed], dt_s: float
) -> tuple[State, float]:
    """The power filter, and what the board drew since the last tick."""
    memory = state.power
    if policy.board.idle_mw is not None and not memory.seen:
        memory = replace(memory, idle_mw=policy.board.idle_mw)
    load_mw = sum(
        live_load_mw(ladder, state.ladders[name], _rate_hz(ladder.serving))
        for name, ladder in snapshot.ladders.items()
    )
    name = policy.power.sense if policy.power is not None else "power_mw"
    seen = sensed[name]
    if seen.kind == "fresh" and seen.value is not None:
        memory = power.observe(memory, seen.value, load_mw, dt_s)
        return replace(state, power=memory), seen.value
    return replace(state, power=memory), power.total_mw(memory, load_mw)


def _thermal(
    policy: PolicyPlan,
    state: State,
    snapshot: Snapshot,
    sensed: Mapping[str, Sensed],
    dt_s: float,
) -> State:
    if policy.temp is None:
        return state
    seen = sensed[policy.temp.sense]
    temp_c = seen.value if seen.kind == "fresh" else None
    memory = state.thermal
    load_mw = sum(
        live_load_mw(ladder, state.ladders[name], state.ladders[name].flow_hz)
        for name, ladder in snapshot.ladders.items()
    )
    if not memory.ready:
        if temp_c is None:
            return state
        memory = thermal.begin(temp_c, policy.board.heat_c_per_w, policy.board.tau_s)
        memory = replace(memory, load_mw=load_mw)
    step_mw = state.power.gain * (load_mw - memory.load_mw)
    memory = replace(thermal.observe(memory, temp_c, step_mw, dt_s), load_mw=load_mw)
    if temp_c is not None:
        memory = thermal.score(memory, temp_c, snapshot.now_s, policy.temp.horizon_s)
    return replace(state, thermal=memory)


def _battery(
    policy: PolicyPlan,
    state: State,
    sensed: Mapping[str, Sensed],
    drawn_mw: float,
    now_s: float,
    dt_s: float,
) -> State:
    if policy.battery is None or all(sensed[name].kind == "absent" for name in BATTERY_SENSES):
        return state
    percent, energy, left = (_value(sensed[name]) for name in BATTERY_SENSES)
    mains = _value(sensed["on_mains"])
    gauge = battery.Gauge(percent, energy, left, mains is not None and mains >= 0.5)
    memory = battery.observe(state.battery, policy.battery, gauge, drawn_mw, now_s, dt_s)
    return replace(state, battery=memory)


def _value(seen: Sensed) -> float | None:
    return seen.value if seen.usable else None
