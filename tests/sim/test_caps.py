"""Caps on an imagined board: slower, thriftier, and only where the cheapest variant is too much."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgerund.sim.controllers import Decider
from edgerund.sim.plant import Plant, Row, at_speed
from edgerund.sim.runner import Score, run
from edgerund.sim.scenario import Scenario
from edgerund.types.policy import Actuators, PolicyPlan
from tests.sim.cases import PLAN, camera, fresh

HOT = Scenario(duration_s=1200, ambient_c=57, ambient_spread_c=0)
CAPPED = replace(PLAN, actuators=Actuators(caps=("gpu_freq",), lowest=0.4, step=0.2))


def ran(plan: PolicyPlan, scenario: Scenario) -> tuple[Score, list[Row], list[float]]:
    plant, terms = fresh(scenario, [camera()])
    assert isinstance(plant, Plant)
    rows: list[Row] = []
    speeds: list[float] = []

    def watch(_snapshot: object, _decisions: object, row: Row) -> None:
        rows.append(row)
        speeds.append(plant.speed)

    return run(plant, Decider(plan), terms, watch), rows, speeds


def test_a_slower_board_takes_longer_and_less_energy() -> None:
    plant, _ = fresh(HOT, [camera()])
    truth = plant.world.truth[camera().name][0]
    half = at_speed(truth, 0.5)
    assert half.latency_ms == pytest.approx(2 * truth.latency_ms)
    assert half.energy_j == pytest.approx(truth.energy_j / 4)
    assert at_speed(truth, 1.0) is truth


def test_where_the_cheapest_variant_is_too_hot_a_cap_makes_it_cooler() -> None:
    without, _, full = ran(PLAN, HOT)
    capped, rows, speeds = ran(CAPPED, HOT)
    assert set(full) == {1.0}
    assert min(speeds) == pytest.approx(0.4)
    assert capped.peak_c <= without.peak_c
    assert 0 < capped.over_limit_s < without.over_limit_s
    before = next(row for row, speed in zip(rows, speeds, strict=True) if speed < 1.0)
    assert before.ladders[camera().name].live == camera().variants[-1].name


def test_where_it_is_cool_nothing_is_capped() -> None:
    cool = HOT.model_copy(update={"ambient_c": 25})
    with_caps, _, speeds = ran(CAPPED, cool)
    assert set(speeds) == {1.0}
    assert with_caps == ran(PLAN, cool)[0]
