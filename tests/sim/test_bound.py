from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest

from edgerund.sim.baselines import Static, Threshold
from edgerund.sim.bound import upper_bound
from edgerund.sim.compare import kept
from edgerund.sim.controllers import Controller
from edgerund.sim.heat import Heat
from edgerund.sim.literature import AlertLike, FuzzyFopdt
from edgerund.sim.perturbed import PerturbedPlant
from edgerund.sim.plant import Plant
from edgerund.sim.pricing import thermal_of
from edgerund.sim.runner import run
from edgerund.sim.scenario import Battery, Contention, Load, Scenario, Window
from edgerund.sim.terms import terms_of
from edgerund.types import Snapshot
from edgerund.types.policy import PolicyPlan
from tests.sim.cases import PLAN, camera, fresh, ladder

HOT = Scenario(duration_s=480, ambient_c=[(0, 44), (480, 50)], sun_w=2.0)
SCENARIOS = {
    "hot": HOT,
    "fan": Scenario(duration_s=480, ambient_c=38, fan_fails=[Window(from_s=60, to_s=400)]),
    "contention": Scenario(
        duration_s=480, ambient_c=36, contention=[Contention(from_s=100, to_s=300, factor=2)]
    ),
    "battery": Scenario(duration_s=480, battery=Battery(capacity_wh=1.75), vehicle_w=1.0),
}


class Plan:
    """Plays a fixed list of variants, each for ``hold_s``."""

    name = "plan"

    def __init__(self, places: tuple[int, ...], hold_s: float) -> None:
        self._places, self._hold_s = places, hold_s

    def step(self, snapshot: Snapshot) -> Mapping[str, str]:
        place = self._places[min(len(self._places) - 1, int(snapshot.now_s / self._hold_s))]
        return {name: state.variants[place].name for name, state in snapshot.ladders.items()}

    def reload(self, plan: PolicyPlan) -> None:
        """It heeds nothing."""


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("plant_class", [Plant, PerturbedPlant])
@pytest.mark.parametrize("seed", [1])
def test_no_controller_that_keeps_the_limits_scores_above_the_bound(
    name: str, plant_class: type[Plant], seed: int
) -> None:
    scenario, ladders = SCENARIOS[name], [camera()]
    plant = plant_class(scenario, ladders, seed)
    terms = terms_of(PLAN, plant.world, ladders)
    bound = upper_bound(plant, terms, evaluations=60).effective_accuracy
    controllers: list[Controller] = [
        Threshold(PLAN),
        AlertLike(PLAN),
        FuzzyFopdt(PLAN),
        *map(Static, (0, 1, 2, 4, 6)),
    ]
    scores = [run(plant_class(scenario, ladders, seed), c, terms) for c in controllers]
    feasible = [s.effective_accuracy for s in scores if kept(s)]
    assert feasible
    assert max(feasible) <= bound


def test_no_plan_at_all_scores_above_the_bound_and_the_best_one_comes_near() -> None:
    scenario = Scenario(
        duration_s=240, ambient_c=[(0, 48), (240, 52)], ambient_spread_c=0, load=Load(rate_hz=20)
    )
    ladders = [ladder((0.72, 30.0, 420.0), (0.66, 16.0, 190.0), (0.55, 5.0, 40.0))]
    plant, terms = fresh(scenario, ladders)
    bound = upper_bound(plant, terms).effective_accuracy
    scores = [
        run(Plant(scenario, ladders, 0), Plan(places, 60.0), terms)
        for places in itertools.product(range(3), repeat=4)
    ]
    best = max(s.effective_accuracy for s in scores if kept(s))
    assert best <= bound < 0.71
    assert best > 0.93 * bound


def test_a_sink_that_is_colder_than_the_air_is_not_warmed_by_the_fan() -> None:
    """Carried from the cold into an oven: at first the air heats the sink, and a fan would help it to."""
    scenario = Scenario(duration_s=300, ambient_c=[(0, -20), (10, -20), (11, 60)])
    plant, terms = fresh(scenario, [camera()])
    thermal = thermal_of(plant, terms.temp_limit_c, np.full(300, scenario.device.idle_w))
    free_c = 80 - thermal.slack(np.zeros(300))
    heat = Heat(plant.chain, scenario.device, plant.start_c)
    for tick, ambient_c in enumerate(plant.world.ambient_c):
        heat.step(scenario.device.idle_w, ambient_c, 0.0, True)
        if tick % 3 == 2:
            assert free_c[tick // 3] <= heat.die_c + 1e-9


def test_where_nothing_binds_the_bound_is_the_best_variant() -> None:
    plant, terms = fresh(Scenario(duration_s=600, ambient_c=15), [camera()])
    assert upper_bound(plant, terms).effective_accuracy == pytest.approx(0.712, abs=1e-4)


def test_a_harder_world_never_raises_the_bound() -> None:
    def bound(scenario: Scenario) -> float:
        return upper_bound(*fresh(scenario, [camera()])).effective_accuracy

    assert bound(Scenario(duration_s=900, ambient_c=48)) < bound(
        Scenario(duration_s=900, ambient_c=40)
    )
    small, large = (Scenario(duration_s=900, battery=Battery(capacity_wh=c)) for c in (2.4, 3.2))
    assert bound(small) < bound(large)


def test_two_ladders_share_one_bound() -> None:
    ladders = [camera(), ladder((0.9, 20.0, 200.0), (0.7, 5.0, 30.0))]
    plant, terms = fresh(HOT, ladders)
    bound = upper_bound(plant, terms).effective_accuracy
    scores = [run(Plant(HOT, ladders, 0), Static(place), terms) for place in (1, -1)]
    assert all(s.effective_accuracy <= bound for s in scores if kept(s))
    assert any(kept(s) for s in scores)
