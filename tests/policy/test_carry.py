"""What a change of policy or ladder leaves of the controller's state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgerund.policy.carry import carried, without
from edgerund.policy.slowdown import LatencyMemory
from edgerund.policy.thermal import FIRST_MARGIN_C
from edgerund.types import ServingFigures
from edgerund.types.policy import (
    BatteryLimit,
    Board,
    Condition,
    PolicyPlan,
    PowerLimit,
    Rule,
    TempLimit,
    VariantRef,
)
from tests.policy.build import Loop, with_serving

RULE = Rule((Condition("temp_c", above=50.0),), "at_most", (VariantRef("bottom"),))
OLD = PolicyPlan(
    "old",
    temp=TempLimit(80.0),
    power=PowerLimit(15_000.0),
    battery=BatteryLimit(10.0, 3600.0),
    rules=(RULE,),
)
SERVING = ServingFigures(
    "fp16", 1.0, answered=20, infer_ms_mean=12.0, infer_ms_p50=12.0, infer_ms_p99=13.0
)


def lived() -> Loop:
    """A controller that has seen two minutes."""
    loop = Loop(OLD)
    serving = with_serving(SERVING)
    for n in range(120):
        loop.tick(
            serving,
            temp_c=45.0 + n / 60,
            power_mw=6000.0,
            battery_percent=80.0,
            battery_energy_mwh=40_000.0 - n,
        )
    return loop


def test_another_limit_forgets_nothing() -> None:
    state = lived().state
    new = replace(OLD, name="new", temp=TempLimit(70.0), power=PowerLimit(9000.0))
    assert carried(OLD, new, state) == state


@pytest.mark.parametrize(
    ("new", "lost"),
    [
        (replace(OLD, rules=()), {"rules"}),
        (replace(OLD, power=PowerLimit(15_000.0, "rail.IN.power_mw")), {"power"}),
        (replace(OLD, board=Board(idle_mw=3000.0)), {"power"}),
        (replace(OLD, board=Board(tau_s=60.0)), {"thermal"}),
        (replace(OLD, temp=TempLimit(80.0, sense="zone.gpu.temp_c")), {"thermal"}),
        (replace(OLD, temp=None), {"thermal"}),
        (replace(OLD, battery=None), {"battery"}),
    ],
)
def test_only_what_the_new_policy_makes_meaningless_is_forgotten(
    new: PolicyPlan, lost: set[str]
) -> None:
    state = lived().state
    fresh = Loop(new).state
    after = carried(OLD, new, state)
    for part in ("rules", "power", "thermal", "battery", "ladders", "senses"):
        assert getattr(after, part) == getattr(fresh if part in lost else state, part), part
        assert part not in lost or getattr(state, part) != getattr(fresh, part), part


def test_another_horizon_forgets_how_well_forecasts_did_but_not_the_heat() -> None:
    state = lived().state
    after = carried(OLD, replace(OLD, temp=TempLimit(80.0, horizon_s=30.0)), state).thermal
    assert after.bank == state.thermal.bank
    assert after.scores == state.thermal.scores
    assert (after.errors, after.due, after.margin_c) == ((), (), FIRST_MARGIN_C)


def test_another_capacity_keeps_when_the_mission_began() -> None:
    state = lived().state
    after = carried(OLD, replace(OLD, battery=BatteryLimit(10.0, 3600.0, 50_000.0)), state).battery
    assert after.began_s == state.battery.began_s
    assert after.energy_mwh is None


def test_a_replaced_ladder_keeps_its_swaps_and_forgets_its_latencies() -> None:
    state = lived().state
    after = without(state, {"m"})
    assert after.ladders["m"].latency == LatencyMemory() != state.ladders["m"].latency
    assert after.ladders["m"].switch == state.ladders["m"].switch
    assert without(state, {"another"}) == state
