"""The controller against the bound. The short part runs always; the whole table is a soak (some minutes)."""

from __future__ import annotations

import os

import pytest

from edgerund.config.policy import load_policy
from edgerund.sim import bundled
from edgerund.sim.compare import Case, Outcome, compare_all, summary
from tests.sim.cases import camera

PLAN = load_policy(bundled.scenarios_dir() / "policies" / "study.yaml")
HARDEST = ("fan-failure", "fan-dead", "fan-dead-sun", "sensor-nan", "rover")


def outcomes(scenarios: list[str], seeds: int, plant: str = "default") -> list[Outcome]:
    cases = [
        Case(PLAN, name, bundled.scenario_path(name), (camera(),), seed, plant, ("edgerund",))
        for name in scenarios
        for seed in range(seeds)
    ]
    return list(compare_all(cases, min(2, os.cpu_count() or 1)))


def test_on_the_hardest_hours_no_limit_breaks_and_little_accuracy_is_lost() -> None:
    (line,) = summary(outcomes(list(HARDEST), 1))
    assert line.over_limit_s == 0
    assert line.missions_completed == line.missions == 1
    assert line.gap_worst_percent <= 4
    assert line.swaps_per_hour_worst <= 61


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_whole_table() -> None:
    (line,) = summary(outcomes(bundled.scenario_names(), 5))
    assert line.gap_mean_percent <= 2
    assert line.gap_worst_percent <= 4
    assert line.over_limit_s == 0
    assert line.missions_completed == line.missions
    assert line.swaps_per_hour_worst <= 61
    assert line.reserve_error_min_percent is not None
    assert line.reserve_error_max_percent is not None
    assert 0 <= line.reserve_error_min_percent <= line.reserve_error_max_percent <= 3


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_whole_table_on_a_board_of_another_structure() -> None:
    (line,) = summary(outcomes(bundled.scenario_names(), 5, "perturbed"))
    assert line.gap_worst_percent <= 5
    assert line.over_limit_worst_s <= 2
    assert line.over_limit_max_c <= 1
