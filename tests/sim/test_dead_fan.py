"""A fan that stands still for good: where the cheapest variant keeps the limit for ever, so does the controller."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgerund.sim.baselines import Static
from edgerund.sim.controllers import Decider
from edgerund.sim.perturbed import PerturbedPlant
from edgerund.sim.plant import Plant
from edgerund.sim.runner import PlantClass, run
from edgerund.sim.scenario import Bursts, Contention, Device, Load, Scenario, SensorFault, Window
from edgerund.sim.terms import terms_of
from tests.sim.cases import PLAN, camera

HOT = replace(PLAN, battery=None)
LASTS_S = 2400.0
DEAD = [Window(from_s=0, to_s=LASTS_S)]
FAILS = [Window(from_s=700, to_s=LASTS_S)]
LATER_SUN = [(0.0, 0.0), (900.0, 0.0), (930.0, 3.0)]
QUICK = Device(sink_j_per_k=35, still_w_per_k=0.3, die_j_per_k=5, die_k_per_w=1.4)
SCENARIOS = {
    "dead from the start": Scenario(fan_fails=DEAD),
    "fails at full load": Scenario(fan_fails=FAILS),
    "fails, then the sun": Scenario(fan_fails=FAILS, sun_w=LATER_SUN),
    "fails beside another program": Scenario(
        fan_fails=FAILS, contention=[Contention(from_s=600, to_s=LASTS_S, factor=1.6, extra_w=2)]
    ),
    "fails under bursts": Scenario(
        fan_fails=FAILS, load=Load(bursts=Bursts(every_s=150, lasts_s=30, factor=1.6))
    ),
    "fails on a light sink": Scenario(fan_fails=FAILS, device=QUICK),
    "fails behind a lagging sensor": Scenario(
        fan_fails=FAILS,
        sensor_faults=[
            SensorFault(sensor="temp_c", kind="lag", from_s=650, to_s=900, lag_s=4),
        ],
    ),
    "fails and the sensor freezes": Scenario(
        fan_fails=FAILS,
        sensor_faults=[
            SensorFault(sensor="temp_c", kind="frozen", from_s=720, to_s=900, detect_s=8),
        ],
    ),
    "fails and the sensor is gone for long": Scenario(
        fan_fails=FAILS,
        sensor_faults=[SensorFault(sensor="temp_c", kind="nan", from_s=680, to_s=1600)],
    ),
}


@pytest.mark.parametrize("plant_class", [Plant, PerturbedPlant])
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_controller_keeps_what_the_cheapest_variant_keeps(
    name: str, plant_class: PlantClass
) -> None:
    scenario = as_hot_as_the_cheapest_bears(SCENARIOS[name], plant_class, 0.7)
    plant = plant_class(scenario, [camera()], 1)
    terms = terms_of(HOT, plant.world, [camera()])
    score = run(plant, Decider(HOT), terms)
    assert score.over_limit_s == 0
    assert score.effective_accuracy > camera_bottom_accuracy()


def as_hot_as_the_cheapest_bears(
    scenario: Scenario, plant_class: PlantClass, left_c: float
) -> Scenario:
    """In air in which the cheapest variant ends ``left_c`` below the limit."""
    air_c = 30.0
    for _ in range(4):
        scenario = scenario.model_copy(
            update={"duration_s": LASTS_S, "ambient_c": air_c, "ambient_spread_c": 0.0}
        )
        plant = plant_class(scenario, [camera()], 1)
        terms = terms_of(HOT, plant.world, [camera()])
        peak_c = run(plant, Static(-1), terms).peak_c
        air_c += terms.temp_limit_c[0] - left_c - peak_c
    assert terms.temp_limit_c[0] - peak_c == pytest.approx(left_c, abs=0.1)
    return scenario


def camera_bottom_accuracy() -> float:
    accuracy = camera().variants[-1].card.accuracy
    assert accuracy is not None
    return accuracy
