from __future__ import annotations

from dataclasses import replace

import pytest

from edgerund.sim.baselines import Static, StepWise, Threshold
from edgerund.sim.controllers import Controller, Decider
from edgerund.sim.literature import AlertLike, FuzzyFopdt
from edgerund.sim.plant import Plant, Row
from edgerund.sim.runner import run, simulate
from edgerund.sim.scenario import Battery, Change, Load, NetworkFault, Scenario, SensorFault, Window
from edgerund.sim.terms import GRACE_S
from edgerund.types import NoData, Snapshot
from tests.sim.cases import PLAN, camera, fresh, ladder

SHORT = Scenario(duration_s=300, ambient_c=30)


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    runs = [simulate(PLAN, SHORT, [camera()], seed) for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]


def test_the_score_of_a_cool_top_variant_is_its_accuracy() -> None:
    plant, terms = fresh(replace_ambient(10), [camera()])
    score = run(plant, Static(0), terms)
    assert score.effective_accuracy == pytest.approx(0.712, abs=0.02)
    assert score.over_limit_s == 0
    assert score.swaps == 1


def replace_ambient(ambient_c: float) -> Scenario:
    return SHORT.model_copy(update={"ambient_c": ambient_c})


def test_seconds_over_the_limit_are_counted_on_the_true_die() -> None:
    plant, terms = fresh(replace_ambient(60), [camera()])
    rows: list[Row] = []
    score = run(plant, Static(0), terms, lambda _s, _d, row: rows.append(row))
    assert score.over_limit_s == sum(row.die_c > 80 for row in rows) > 50
    assert score.over_limit_max_c == pytest.approx(max(row.die_c for row in rows) - 80)


def test_an_empty_battery_ends_the_mission_and_all_answers() -> None:
    scenario = Scenario(duration_s=600, battery=Battery(capacity_wh=0.8))
    plant, terms = fresh(scenario, [camera()])
    score = run(plant, Static(0), terms)
    assert not score.mission_completed
    assert score.left_percent == 0
    assert score.effective_accuracy < 0.4


def test_ending_below_the_reserve_is_not_a_completed_mission() -> None:
    scenario = Scenario(duration_s=600, battery=Battery(capacity_wh=2.6))
    plant, terms = fresh(scenario, [camera()])
    score = run(plant, Static(0), terms)
    assert score.left_percent is not None
    assert 0 < score.left_percent < 15
    assert not score.mission_completed


def test_a_lowered_limit_counts_only_after_heat_had_time_to_leave() -> None:
    scenario = Scenario(duration_s=600, changes=[Change(at_s=300, temp_limit_c=30)])
    plant, terms = fresh(scenario, [camera()])
    score = run(plant, Static(0), terms)
    assert score.over_limit_s == 300 - GRACE_S
    assert terms.reloads[300].temp is not None


def test_frames_that_the_network_loses_are_not_offered() -> None:
    fault = NetworkFault(from_s=100, to_s=200, loss=0.75)
    plant, terms = fresh(Scenario(duration_s=300, network_faults=[fault]), [camera()])
    offered: list[float] = []
    run(
        plant,
        Static(1),
        terms,
        lambda _s, _d, row: offered.append(row.ladders["camera"].offered_hz),
    )
    assert offered[50] == offered[250] == 20
    assert offered[150] == 5


def test_clients_may_ask_for_less_time_than_the_policy() -> None:
    scenario = Scenario(duration_s=300, changes=[Change(at_s=100, deadline_ms=20)])
    plant, terms = fresh(scenario, [camera()])
    asked: list[float | None] = []
    score = run(
        plant,
        Static(0),
        terms,
        lambda s, _d, _r: asked.append(s.ladders["camera"].serving.deadline_ms),
    )
    assert asked[50] is None
    assert asked[200] == 20
    assert score.late_share == pytest.approx(2 / 3, abs=0.05)


@pytest.mark.parametrize(
    "make", [Decider, Threshold, StepWise, AlertLike, FuzzyFopdt, lambda _: Static(-1)]
)
def test_every_controller_lives_through_blind_and_idle_hours(make: type[Decider]) -> None:
    blind = [
        SensorFault(sensor=name, kind="nan", from_s=60, to_s=240)
        for name in ("temp_c", "power_mw", "battery_energy_mwh", "battery_percent")
    ]
    scenario = Scenario(
        duration_s=300,
        sensor_faults=blind,
        battery=Battery(capacity_wh=20),
        load=Load(rate_hz=[(0, 20), (100, 0), (200, 0), (201, 20)]),
        fan_fails=[Window(from_s=10, to_s=20)],
    )
    ladders = [camera(), ladder((0.9, 20.0, 200.0), (0.7, 5.0, 30.0))]
    plant, terms = fresh(scenario, ladders)
    controller: Controller = make(PLAN)
    seen: list[Snapshot] = []
    score = run(plant, controller, terms, lambda s, _d, _r: seen.append(s))
    assert isinstance(seen[100].senses["temp_c"], NoData)
    assert 0 < score.effective_accuracy < 1


def test_decide_keeps_the_limit_where_the_top_variant_does_not() -> None:
    scenario = Scenario(duration_s=900, ambient_c=44)
    plant, terms = fresh(scenario, [camera()])
    assert run(plant, Static(0), terms).over_limit_s > 0
    score = simulate(PLAN, scenario, [camera()])
    assert score.over_limit_s == 0
    assert score.effective_accuracy > 0.62


def test_another_ladder_or_deadline_does_not_change_the_world() -> None:
    one = Plant(SHORT, [camera()], 5).world
    other, _ = fresh(SHORT, [camera()], 5, replace(PLAN, latency=None))
    assert other.world.ambient_c == one.ambient_c
    assert other.world.slowdown == one.slowdown
