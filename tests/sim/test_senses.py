from __future__ import annotations

import random
from typing import Literal

import pytest

from edgerund.sim.scenario import SensorFault
from edgerund.sim.senses import ZONES, Senses
from edgerund.types import NoData, Reading, Sense

TRUTH = {ZONES[0]: 60.0, ZONES[1]: 58.0, "power_mw": 9000.0, "on_mains": 1.0}


def observe(
    faults: list[SensorFault], now_s: float, truth: dict[str, float] | None = None
) -> dict[str, Sense]:
    return Senses(faults, random.Random(1)).observe(now_s, truth or TRUTH)


def fault(kind: str, sensor: str = "temp_c", **more: float) -> SensorFault:
    return SensorFault.model_validate(
        {"sensor": sensor, "kind": kind, "from_s": 5, "to_s": 50, **more}
    )


def test_every_sense_carries_unit_age_and_source() -> None:
    for sense in observe([], 0.0).values():
        if isinstance(sense, Reading):
            assert sense.source
            assert sense.age_s > 0


def test_temp_c_is_the_hottest_valid_zone() -> None:
    senses = observe([fault("nan", ZONES[0])], 10.0)
    assert isinstance(senses[ZONES[0]], NoData)
    hottest = senses["temp_c"]
    assert isinstance(hottest, Reading)
    assert hottest.value == pytest.approx(58.0, abs=1.0)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("nan", "garbage"), ("minus_274", "range"), ("absent", "absent"), ("spikes", "step")],
)
def test_a_lie_is_delivered_as_no_data_inside_its_window_only(
    kind: Literal["nan"], reason: str
) -> None:
    inside, after = observe([fault(kind)], 10.0)["temp_c"], observe([fault(kind)], 50.0)["temp_c"]
    assert isinstance(inside, NoData)
    assert inside.reason == reason
    assert isinstance(after, Reading)


def test_a_frozen_sensor_repeats_itself_until_it_is_found_out() -> None:
    senses = Senses([fault("frozen", "power_mw", detect_s=3)], random.Random(1))
    seen = [senses.observe(float(t), {"power_mw": 9000.0 + 500 * t})["power_mw"] for t in range(12)]
    assert [type(s) for s in seen[8:]] == [NoData] * 4
    held = [s.value for s in seen[5:8] if isinstance(s, Reading)]
    assert len(set(held)) == 1


def test_a_lagging_sensor_tells_what_was_true_then() -> None:
    senses = Senses([fault("lag", lag_s=4)], random.Random(1))
    seen = [
        senses.observe(float(t), {**TRUTH, ZONES[0]: 10.0 * t, ZONES[1]: 0.0}) for t in range(12)
    ]
    late = seen[10]["temp_c"]
    assert isinstance(late, Reading)
    assert late.value == pytest.approx(60.0, abs=1.0)


def test_hardware_without_a_value_is_absent() -> None:
    battery = observe([], 0.0)["battery_percent"]
    assert isinstance(battery, NoData)
    assert battery.reason == "absent"


def test_readings_are_quantised() -> None:
    power = observe([], 0.0)["power_mw"]
    assert isinstance(power, Reading)
    assert power.value % 20 == 0
