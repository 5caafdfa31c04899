"""Caps on the machine and advice on the frame rate: off by default, the last resort, released when it is cool."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.config.policy import parse_policy
from edgerund.errors import ConfigError
from edgerund.policy.caps import shares, steps_each
from edgerund.policy.decide import decide
from edgerund.policy.state import CapMemory, dump_state, load_state
from edgerund.types import Snapshot
from edgerund.types.policy import Actuators, LatencyLimit, PolicyPlan, PowerLimit, TempLimit
from tests.policy.build import Loop
from tests.policy.test_properties import changed, histories

CAPS = Actuators(caps=("gpu_freq", "cpu_freq"), lowest=0.4, step=0.2, dwell_s=5.0)
PLAN = PolicyPlan("p", temp=TempLimit(80.0), power=PowerLimit(20_000.0), actuators=CAPS)
MOST = 6
TERMS = st.builds(
    Actuators,
    st.just(False),
    st.sampled_from([(), ("a",), ("a", "b", "c")]),
    st.floats(0.1, 0.9),
    st.floats(0.02, 0.9),
)


def heated(policy: PolicyPlan, ticks: int, temp_c: float = 84.0, **more: Any) -> Loop:
    """A board that is too hot whatever serves."""
    loop = Loop(policy)
    loop.run(30, temp_c=60.0, power_mw=6000.0, **more)
    loop.run(ticks, temp_c=temp_c, power_mw=6000.0, **more)
    return loop


def test_caps_come_after_the_cheapest_variant_and_in_the_order_of_the_policy() -> None:
    loop = heated(PLAN, 1)
    assert loop.live == "nano"
    assert loop.state.caps.level == 0  # the variant first
    levels = []
    for _ in range(20):
        loop.tick(temp_c=84.0, power_mw=6000.0)
        levels.append(loop.state.caps.level)
    assert levels == sorted(levels)
    assert levels[-1] == MOST
    assert shares(CAPS, 2) == {"gpu_freq": 0.6, "cpu_freq": 1.0}
    assert shares(CAPS, 4) == {"gpu_freq": 0.4, "cpu_freq": 0.8}
    note = loop.decisions[-1].notes[-1]
    assert note.startswith("gpu_freq at most 40 %, cpu_freq at most 40 %: temp_c 84.0 C is over")


def test_caps_are_released_when_it_is_cool_and_only_then_does_a_better_variant_serve() -> None:
    loop = heated(PLAN, 30)
    assert loop.state.caps.level == MOST
    ticks = 0
    while loop.state.caps.level:
        decision = loop.tick(temp_c=45.0, power_mw=6000.0)
        ticks += 1
        assert decision.variant == "nano" or not loop.state.caps.level
        assert ticks < 200  # the estimator needs a while to believe it, then one step per dwell
    assert loop.state.caps.cause == ""
    loop.run(120, temp_c=45.0, power_mw=6000.0)
    assert loop.live == "fp16"


def test_a_capped_board_tells_why_nothing_better_serves() -> None:
    loop = heated(PLAN, 30)
    for _ in range(90):
        decision = loop.tick(temp_c=45.0, power_mw=6000.0)
        if decision.reason.code == "capped":
            break
    assert decision.reason.text.startswith("the board is capped (gpu_freq at most")


def test_a_power_limit_caps_as_well_but_a_lost_sense_does_not() -> None:
    hungry = replace(PLAN, power=PowerLimit(4000.0))
    loop = Loop(hungry)
    loop.run(60, temp_c=50.0, power_mw=6000.0)
    assert loop.state.caps.level == MOST
    lost = replace(PLAN, lost={"temp_c": "cheapest"})
    loop = Loop(lost)
    loop.run(30, temp_c=50.0, power_mw=6000.0)
    loop.run(30, temp_c=None, power_mw=6000.0)
    assert loop.live == "nano"
    assert loop.state.caps.level == 0


def test_nothing_is_asked_of_a_machine_unless_the_policy_names_it() -> None:
    loop = heated(replace(PLAN, actuators=Actuators()), 30)
    assert loop.state.caps == CapMemory()
    assert all(d.suggested_fps is None for d in loop.decisions)
    assert shares(Actuators(), 5) == {}


@given(histories(), st.floats(0.0, 40.0), st.integers(0, MOST))
def test_hotter_never_releases_a_cap(
    history: tuple[Any, Snapshot], more_c: float, level: int
) -> None:
    state, snap = history
    state = state._replace(caps=CapMemory(level, 0.0, "before"))
    hotter = changed(snap, temp_c=snap.senses["temp_c"].value + more_c)  # type: ignore[union-attr]
    here, there = (decide(PLAN, state, s)[0].caps.level for s in (snap, hotter))
    assert there >= here
    assert 0 <= here <= MOST


@given(histories())
def test_without_actuators_the_decision_is_the_same_as_ever(history: tuple[Any, Snapshot]) -> None:
    state, snap = history
    off = replace(PLAN, actuators=Actuators())
    on = replace(PLAN, actuators=CAPS)
    told = [decide(plan, state, snap)[1]["m"].variant for plan in (off, on)]
    assert told[0] == told[1]


@given(TERMS, st.integers(0, 60))
def test_shares_fall_one_actuator_after_the_other(terms: Actuators, level: int) -> None:
    now, later = shares(terms, level), shares(terms, level + 1)
    assert list(now) == list(terms.caps)
    assert all(terms.lowest <= later[n] <= now[n] <= 1.0 for n in now)
    assert all(share == 1.0 for share in shares(terms, 0).values())
    full = shares(terms, steps_each(terms) * len(terms.caps))
    assert all(share == pytest.approx(terms.lowest) for share in full.values())
    touched = [share < 1.0 for share in now.values()]
    assert touched == sorted(touched, reverse=True)


def test_the_state_with_caps_is_written_and_read_back() -> None:
    state = heated(PLAN, 30).state
    assert load_state(dump_state(state)) == state


# ------------------------------------------------------------------ frame rate
ADVISE = Actuators(frame_rate=True)


def advice(loop: Loop) -> float:
    fps = loop.decisions[-1].suggested_fps
    assert fps is not None
    return fps


def test_the_advice_is_what_the_variant_can_serve() -> None:
    loop = Loop(PolicyPlan("p", latency=LatencyLimit(100.0), actuators=ADVISE))
    loop.run(20)
    assert loop.live == "fp16"
    assert advice(loop) == pytest.approx(0.8 * 1000.0 / 40.0, rel=0.15)


def test_a_power_limit_lowers_the_advice_below_what_the_engine_could_do() -> None:
    tight = PolicyPlan("p", power=PowerLimit(2500.0), actuators=ADVISE)
    loop = Loop(tight)
    loop.run(60, power_mw=2400.0)
    free = Loop(replace(tight, power=None))
    free.run(60, power_mw=2400.0)
    cheap = [d for d in loop.decisions if d.variant == loop.live]
    assert cheap
    assert loop.live != free.live or advice(loop) < advice(free)
    hot = Loop(PolicyPlan("p", temp=TempLimit(80.0), actuators=ADVISE))
    hot.run(40, temp_c=85.0, power_mw=6000.0)
    assert advice(hot) == 1.0


@given(st.lists(st.floats(0.97, 1.03), min_size=5, max_size=30))
def test_the_advice_does_not_flicker(noise: list[float]) -> None:
    from tests.policy.build import served, with_serving

    loop = Loop(PolicyPlan("p", actuators=ADVISE))
    loop.run(30)
    before = advice(loop)
    for factor in noise:
        loop.tick(with_serving(served("fp16", slow=factor)))
    assert advice(loop) == before


def test_actuators_of_a_policy_file_are_read_and_checked() -> None:
    text = "policy: p\nactuators: {frame_rate: true, caps: [gpu_freq, cpu_freq], lowest: 0.5}\n"
    assert parse_policy(text).actuators == Actuators(True, ("gpu_freq", "cpu_freq"), 0.5)
    with pytest.raises(ConfigError, match=r"unknown actuator 'fan': known are cpu_freq, gpu_freq"):
        parse_policy("policy: p\nactuators: {caps: [fan]}\n")
    with pytest.raises(ConfigError, match="lowest"):
        parse_policy("policy: p\nactuators: {lowest: 0}\n")
