"""A twin that is slower, hotter or older than its brother never gets a better variant: worlds where it once did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgerund.policy import State, decide, initial
from edgerund.types import Reading, Sense, ServingFigures, Snapshot
from edgerund.types.policy import LatencyLimit, PolicyPlan, Switching, TempLimit
from tests.policy.build import CARDS, NAMES, ladder, readings, served

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
