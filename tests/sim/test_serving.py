from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.sim.scenario import Contention, Load, OverCurrent, Scenario
from edgerund.sim.serving import Served, serve
from tests.sim.cases import fresh, ladder

FAST, SLOW = (0.6, 5.0, 50.0), (0.7, 30.0, 300.0)


def served(scenario: Scenario, place: int, deadline_ms: float = 1000.0, tick: int = 0) -> Served:
    plant, _ = fresh(scenario, [ladder(SLOW, FAST)])
    return serve(plant.world, tick, plant.world.truth["tiny"][place], deadline_ms)


def test_below_saturation_every_frame_is_answered_and_power_follows_the_rate() -> None:
    s = served(Scenario(load=Load(rate_hz=20)), 1)
    assert s.answered_hz == s.offered_hz == 20
    assert s.dynamic_w == pytest.approx(20 * 0.050, rel=0.1)


def test_overload_refuses_frames_and_makes_every_other_one_wait() -> None:
    s = served(Scenario(load=Load(rate_hz=60)), 0)
    assert s.answered_hz == pytest.approx(1000 / s.infer_ms)
    assert s.answered_hz < s.offered_hz
    assert s.waits == 1.0


def test_contention_slows_only_inside_its_window() -> None:
    scenario = Scenario(contention=[Contention(from_s=10, to_s=20, factor=2, spread=0)])
    inside, outside = served(scenario, 1, tick=15), served(scenario, 1, tick=30)
    assert inside.infer_ms == pytest.approx(2 * outside.infer_ms, rel=0.15)


def test_over_current_slows_and_keeps_the_board_at_the_supply_limit() -> None:
    scenario = Scenario(over_current=[OverCurrent(from_s=0, to_s=60, limit_w=8)])
    slow, fast = served(scenario, 0), served(scenario, 1)
    assert slow.over_current
    assert not fast.over_current
    assert scenario.device.idle_w + slow.dynamic_w <= 8 + 1e-9


def test_without_a_deadline_everything_is_in_time() -> None:
    assert served(Scenario(), 0, math.inf).in_time == 1.0


@given(st.floats(0.5, 500), st.floats(0, 100), st.integers(0, 1))
def test_the_share_in_time_is_a_share_and_grows_with_the_deadline(
    deadline_ms: float, rate_hz: float, place: int
) -> None:
    scenario = Scenario(duration_s=60, load=Load(rate_hz=rate_hz))
    tight, loose = served(scenario, place, deadline_ms), served(scenario, place, deadline_ms * 1.5)
    assert 0.0 <= tight.in_time <= loose.in_time + 1e-12 <= 1.0 + 1e-9
