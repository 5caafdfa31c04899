from __future__ import annotations

import importlib.util

import pytest

from edgerund.errors import PluginError
from edgerund.sim.scenario import Battery, Scenario
from edgerund.sim.tune import Found, Trials, free_parameters, front, tune, with_parameters
from edgerund.types.policy import PolicyPlan
from tests.sim.cases import PLAN, camera

SHORT = Trials(
    [(Scenario(duration_s=120, ambient_c=44, battery=Battery(capacity_wh=9)), 0)], [camera()]
)
needs_optuna = pytest.mark.skipif(
    importlib.util.find_spec("optuna") is None, reason="the optional extra 'tune' is not installed"
)


def found(accuracy: float, broken: float, swaps: float) -> Found:
    return Found((), accuracy, broken, swaps)


def test_the_front_keeps_what_nothing_beats() -> None:
    a, b, worse = found(0.7, 10, 5), found(0.6, 0, 5), found(0.6, 10, 5)
    assert front([worse, b, a, a]) == [a, b]
    assert not a.beats(a)


def test_parameters_land_in_the_policy() -> None:
    plan = with_parameters(
        PLAN,
        {
            "margin_c": 2.0,
            "horizon_s": 9.0,
            "dwell_s": 7.0,
            "hysteresis": 0.1,
            "reserve_percent": 5,
        },
    )
    assert plan.temp is not None
    assert (plan.temp.margin_c, plan.temp.horizon_s, plan.temp.max_c) == (2.0, 9.0, 80.0)
    assert (plan.switching.dwell_s, plan.switching.hysteresis) == (7.0, 0.1)
    assert plan.battery is not None
    assert plan.battery.reserve_percent == 20.0


def test_a_policy_without_limits_has_little_to_tune() -> None:
    assert free_parameters(PolicyPlan("bare")) == ["dwell_s", "hysteresis"]
    assert set(free_parameters(PLAN)) > {"margin_c", "reserve_percent"}


def test_a_broken_limit_is_counted_by_what_was_asked_for() -> None:
    lax = with_parameters(PLAN, {"margin_c": -60.0})
    hot = Trials([(Scenario(duration_s=200, ambient_c=62), 0)], [camera()])
    assert hot.run(lax, PLAN)[1] > 0


@pytest.mark.skipif(
    importlib.util.find_spec("optuna") is not None, reason="the optional extra 'tune' is installed"
)
def test_without_optuna_it_says_what_to_install() -> None:
    with pytest.raises(PluginError, match=r"edgerund\[tune\]"):
        tune(PLAN, SHORT, 1)


@needs_optuna
@pytest.mark.filterwarnings("default")
def test_the_search_starts_from_the_policy_as_it_is_and_repeats_with_its_seed() -> None:
    first, second = (tune(PLAN, SHORT, 4, seed=1) for _ in range(2))
    assert first[0].parameters == ()
    assert len(first) == 5
    assert first == second
