"""A twin that is slower, hotter, emptier or older never gets a better variant: worlds where it once did."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerund.policy import State, decide, initial
from edgerund.types import Reading, Sense, ServingFigures, Snapshot
from edgerund.types.policy import (
    BatteryLimit,
    Condition,
    LatencyLimit,
    PolicyPlan,
    Rule,
    Switching,
    TempLimit,
    VariantRef,
    Verb,
)
from tests.policy.build import CARDS, NAMES, ladder, readings, served
from tests.policy.test_properties import LIMITS, histories

POLICY = PolicyPlan(
    "twins", latency=LatencyLimit(60.0), temp=TempLimit(80.0), switching=Switching(dwell_s=5.0)
)


def snapshot(now_s: float, live: str, serving: ServingFigures, temp_c: float) -> Snapshot:
    energy_mj = CARDS[live].energy_mj or 0.0
    senses = readings(temp_c=temp_c, power_mw=3000.0 + energy_mj * serving.answered)
    return Snapshot(now_s, 0.0, senses, {"m": ladder(live, serving=serving)})


def lived(live: str, temps: list[float], rate_hz: float = 20.0) -> State:
    """The state after these temperatures with ``live`` in service, whatever was decided."""
    state = initial(POLICY)
    for second, temp_c in enumerate(temps):
        state, _ = decide(
            POLICY, state, snapshot(float(second), live, served(live, rate_hz), temp_c)
        )
        memory = state.ladders["m"]
        switch = memory.switch._replace(chosen=live, since_s=0.0, tokens=8.0)
        state = state._replace(ladders={"m": memory._replace(switch=switch)})
    return state


def place(state: State, snap: Snapshot) -> int:
    return NAMES.index(decide(POLICY, state, snap)[1]["m"].variant)


@pytest.mark.parametrize("temp_c", [60.0 + 0.5 * i for i in range(36)])
def test_the_leap_to_a_near_target_is_open_to_whoever_wants_a_farther_one(temp_c: float) -> None:
    state = lived("nano", [temp_c] * 30)
    usual = snapshot(30.0, "nano", served("nano"), temp_c)
    slower = snapshot(30.0, "nano", served("nano", slow=2.0), temp_c)
    assert place(state, slower) >= place(state, usual)


@pytest.mark.parametrize("jump_c", [0.5 * i for i in range(28)])
@pytest.mark.parametrize("age_s", [3.0, 30.0])
def test_a_reading_that_is_old_and_hotter_than_expected_still_counts(
    jump_c: float, age_s: float
) -> None:
    state = lived("fp16", [65.0, 65.0, 65.1, 65.3])
    fresh = snapshot(4.0, "fp16", served("fp16"), 65.3 + jump_c)
    senses: dict[str, Sense] = {
        name: replace(r, age_s=age_s) for name, r in fresh.senses.items() if isinstance(r, Reading)
    }
    assert place(state, replace(fresh, senses=senses)) >= place(state, fresh)


def test_over_the_limit_the_bottom_serves_even_if_it_would_be_asked_more_often() -> None:
    # clients send as fast as they are answered: nano, thrifty per frame, would draw more than tiny
    cards = {**CARDS, "nano": replace(CARDS["nano"], energy_mj=14.0)}
    state = lived("fp16", [60.0] * 20, rate_hz=25.0)
    snap = snapshot(20.0, "fp16", served("fp16", 25.0), 81.0)
    hot = replace(snap, ladders={"m": ladder("fp16", cards=cards, serving=served("fp16", 25.0))})
    assert place(state, hot) == NAMES.index("nano")


FULL_MWH = 20_000.0
ENDURES = PolicyPlan(
    "endures", battery=BatteryLimit(30.0, mission_s=3600.0), switching=Switching(dwell_s=5.0)
)


def on_battery(
    now_s: float, percent: float, *, age_s: float = 0.1, energy: bool = True
) -> Snapshot:
    """fp16 serves on a battery whose gauge tells percent, and energy if it can."""
    senses = readings(power_mw=7000.0)
    gauge = {"battery_percent": percent} | (
        {"battery_energy_mwh": FULL_MWH * percent / 100.0} if energy else {}
    )
    for name, value in gauge.items():
        senses[name] = Reading(name, value, "", age_s, "test")
    return Snapshot(now_s, 0.0, senses, {"m": ladder("fp16", serving=served("fp16"))})


def plugged(snap: Snapshot, on_mains: float) -> Snapshot:
    mains = Reading("on_mains", on_mains, "", 0.1, "test")
    return replace(snap, senses={**snap.senses, "on_mains": mains})


def endured(policy: PolicyPlan, percents: list[float], *, energy: bool = True) -> State:
    state = initial(policy)
    for second, percent in enumerate(percents):
        state, _ = decide(policy, state, on_battery(float(second), percent, energy=energy))
    return state


def chosen(policy: PolicyPlan, state: State, snap: Snapshot) -> int:
    return NAMES.index(decide(policy, state, snap)[1]["m"].variant)


@pytest.mark.parametrize("age_s", [3.0, 6.0, 200.0])
@pytest.mark.parametrize("energy", [True, False])
@pytest.mark.parametrize("percent", [20.0, 30.0, 32.0, 50.0])
def test_a_gauge_that_fell_counts_however_late_it_says_so(
    percent: float, energy: bool, age_s: float
) -> None:
    # at 30 % the reserve is reached; at 32 % the pace is below what fp16 draws
    state = endured(ENDURES, [90.0] * 10, energy=energy)
    # the tick comes late, so that what was good a tick ago is no longer
    fresh = chosen(ENDURES, state, on_battery(20.0, percent, energy=energy))
    old = chosen(ENDURES, state, on_battery(20.0, percent, energy=energy, age_s=age_s))
    assert old >= fresh
    assert percent > 30.0 or fresh == NAMES.index("nano")


@pytest.mark.parametrize("policy", [ENDURES, replace(ENDURES, battery=BatteryLimit(30.0))])
def test_the_first_thing_that_a_gauge_says_counts_also_if_it_is_old(policy: PolicyPlan) -> None:
    assert chosen(policy, initial(policy), on_battery(0.0, 25.0, age_s=200.0)) == 3


@pytest.mark.parametrize("percent", [8.0, 20.0, 40.0])
def test_an_old_percent_is_not_outdone_by_an_energy_that_nobody_tells_any_more(
    percent: float,
) -> None:
    # on mains: the gauge told another energy than percent of the policy's capacity, and has ceased to; then off
    policy = replace(ENDURES, battery=BatteryLimit(5.0, mission_s=3600.0, capacity_mwh=5000.0))
    state = initial(policy)
    for second in range(20):
        one = plugged(on_battery(float(second), 60.0, energy=second < 10), 1.0)
        state, _ = decide(policy, state, one)
    fresh = plugged(on_battery(30.0, percent, energy=False), 0.0)
    old = plugged(on_battery(30.0, percent, energy=False, age_s=60.0), 0.0)
    assert chosen(policy, state, fresh) == NAMES.index("nano")
    assert chosen(policy, state, old) == NAMES.index("nano")


@pytest.mark.parametrize("age_s", [3.0, 30.0])
@pytest.mark.parametrize(("verb", "place"), [("at_most", 2), ("exactly", 0)])
def test_an_old_value_may_begin_a_rule_that_lowers_and_none_that_raises(
    verb: Verb, place: int, age_s: float
) -> None:
    rule = Rule(
        (Condition("battery_percent", below=30.0),), verb, (VariantRef("name", name="tiny"),)
    )
    policy = PolicyPlan("ruled", rules=(rule,), stale_after_s=2.0)
    state = endured(policy, [90.0] * 10)
    assert chosen(policy, state, on_battery(10.0, 25.0)) == 2
    assert chosen(policy, state, on_battery(10.0, 25.0, age_s=age_s)) == place


@settings(max_examples=100, deadline=None)
@given(
    histories(), st.floats(0.0, 1.0), st.floats(0.0, 300.0), st.integers(1, 3), st.floats(0.0, 30.0)
)
def test_an_older_gauge_never_raises_the_variant_however_far_it_fell(
    history: tuple[State, Snapshot], share: float, age_s: float, which: int, late_s: float
) -> None:
    state, snap = history
    snap = replace(snap, now_s=snap.now_s + late_s)
    names = [n for i, n in enumerate(("battery_percent", "battery_energy_mwh")) if which & 1 << i]
    fell = dict(snap.senses)
    for name in ("battery_percent", "battery_energy_mwh"):
        reading = fell[name]
        assert isinstance(reading, Reading)
        fell[name] = replace(reading, value=reading.value * share)
    old = dict(fell)
    for name in names:
        reading = old[name]
        assert isinstance(reading, Reading)
        old[name] = replace(reading, age_s=age_s)
    order = [v.name for v in snap.ladders["m"].variants]
    fresh, aged = (
        order.index(decide(LIMITS, state, replace(snap, senses=senses))[1]["m"].variant)
        for senses in (fell, old)
    )
    assert aged >= fresh
