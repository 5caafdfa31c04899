"""Derived senses: pure functions over readings, and estimators that are told the time."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.sensors.derive import Derivation
from edgerund.sensors.derive.heat import hottest
from edgerund.sensors.derive.power import EnergyMeter, total_power
from edgerund.sensors.derive.throttle import throttled
from edgerund.types import NoData, Reading, Sense


def senses(**values: float | str | None) -> dict[str, Sense]:
    """``rail__VDD_IN__power_mw=7000``; a text is a reason for having none."""
    found: dict[str, Sense] = {}
    for key, value in values.items():
        name = key.replace("__", ".")
        if isinstance(value, str):
            found[name] = NoData(name, value, "lost", "f")
        elif value is not None:
            found[name] = Reading(name, value, "u", 0.5, f"/{name}")
    return found


def value(sense: Sense) -> float | str:
    return sense.value if isinstance(sense, Reading) else sense.reason


AGX: dict[str, Any] = {
    "rail__VDD_GPU_SOC__power_mw": 22680.0,
    "rail__VDD_CPU_CV__power_mw": 3130.0,
    "rail__VIN_SYS_5V0__power_mw": 14716.0,
    "rail__VDDQ_VDD2_1V8AO__power_mw": 7022.0,
}


@pytest.mark.parametrize(
    ("raw", "expected", "quality"),
    [
        ({"rail__VDD_IN__power_mw": 7000.0, "rail__VDD_SOC__power_mw": 1500.0}, 7000.0, "measured"),
        (
            {"rail__POM_5V_IN__power_mw": 1737.0, "rail__POM_5V_CPU__power_mw": 378.0},
            1737.0,
            "measured",
        ),
        ({"rail__VIN__power_mw": 30000.0, **AGX}, 30000.0, "measured"),
        (AGX, 47548.0, "derived"),
        ({**AGX, "rail__VDD_CPU_CV__power_mw": "io"}, "io", ""),
        ({"rail__A__power_mw": 1.0, "rail__B__power_mw": 2.0}, 3.0, "estimated"),
        (
            {"battery__BAT0__power_mw": -9000.0, "rapl__package-0__power_mw": 5000.0},
            9000.0,
            "derived",
        ),
        (
            {"battery__BAT0__power_mw": 9000.0, "rapl__package-0__power_mw": 5000.0},
            5000.0,
            "estimated",
        ),
        (
            {"rapl__package-0__power_mw": 5000.0, "rapl__package-0_core__power_mw": 4000.0},
            5000.0,
            "estimated",
        ),
        (
            {"rapl__package-0__power_mw": 5e3, "rapl__package-0_dram__power_mw": 1e3},
            6e3,
            "estimated",
        ),
        (
            {"rapl__package-0__power_mw": 5000.0, "rapl__psys__power_mw": 9000.0},
            9000.0,
            "estimated",
        ),
        ({"rapl__package-0__power_mw": "denied"}, "denied", ""),
        ({"rapl__package-0__power_mw": 5e3, "nvml__0__power_mw": 7e4}, 75000.0, "estimated"),
        ({"battery__mavlink__power_mw": -445000.0}, "absent", ""),
        ({"jtop__rail__VDD_IN__power_mw": 7100.0}, 7100.0, "measured"),
        ({}, "absent", ""),
    ],
)
def test_total_power_takes_the_best_that_there_is(
    raw: Mapping[str, Any], expected: float | str, quality: str
) -> None:
    found = total_power(senses(**raw))
    assert value(found) == expected
    if isinstance(found, Reading):
        assert found.quality == quality


def test_the_settings_may_name_the_rails_of_the_total() -> None:
    raw = senses(rail__A__power_mw=1.0, rail__B__power_mw=2.0, rail__C__power_mw=4.0)
    assert value(total_power(raw, ["A", "C"])) == 5.0
    assert value(total_power(raw, ["A", "D"])) == "absent"


def test_the_hottest_valid_zone_counts_and_a_lost_one_makes_it_an_estimate() -> None:
    raw = senses(zone__cpu__temp_c=50.0, zone__tj__temp_c=55.0, zone__cv0__temp_c="offline")
    found = hottest(raw)
    assert isinstance(found, Reading)
    assert (found.value, found.quality) == (55.0, "measured")
    raw["zone.tj.temp_c"] = NoData("zone.tj.temp_c", "frozen", "stands still")
    found = hottest(raw)
    assert isinstance(found, Reading)
    assert (found.value, found.quality) == (50.0, "estimated")
    assert value(hottest(senses(zone__cpu__temp_c="io"))) == "io"
    assert value(hottest(senses(hwmon__coretemp__Core_0__temp_c=61.0))) == 61.0
    assert value(hottest(senses(zone__iwlwifi_1__temp_c=90.0))) == "absent"


def test_any_sign_of_throttling_is_enough() -> None:
    none = senses(throttle__a__active=0.0, throttle__b__active=0.0, throttle__c__active="io")
    assert value(throttled(none)) == 0.0
    one = throttled({**none, **senses(throttle__b__active=1.0)})
    assert value(one) == 1.0
    assert one.source == "b"
    assert value(throttled(senses(throttle__c__active="denied"))) == "denied"
    assert value(throttled({})) == "absent"


@given(st.lists(st.tuples(st.floats(0.1, 5.0), st.floats(0, 1e5)), min_size=2, max_size=30))
def test_energy_is_the_integral_of_power(steps: list[tuple[float, float]]) -> None:
    meter, now_s, exact = EnergyMeter(), 0.0, 0.0
    before: float | None = None
    for dt_s, power_mw in steps:
        now_s += dt_s
        found = meter.add(Reading("power_mw", power_mw, "mW", 0.0, "f"), now_s)
        again = meter.add(Reading("power_mw", power_mw, "mW", 0.05, "f"), now_s + 0.05)
        assert value(found) == value(again), "the same sample counts once"
        exact += 0.0 if before is None else dt_s * (before + power_mw) / 2
        before = power_mw
    assert value(found) == pytest.approx(exact)


def test_a_gap_is_left_out_of_the_energy_and_told() -> None:
    meter = EnergyMeter()

    def add(power_mw: float, now_s: float) -> Sense:
        return meter.add(Reading("power_mw", power_mw, "mW", 0.0, "f", "measured"), now_s)

    add(1000.0, 0.0)
    assert value(add(1000.0, 1.0)) == 1000.0
    found = add(1000.0, 500.0)
    assert isinstance(found, Reading)
    assert (found.value, found.quality) == (1000.0, "estimated")
    assert value(meter.add(NoData("power_mw", "io", ""), 501.0)) == "io"
    assert value(add(1000.0, 502.0)) == 1000.0
    assert value(add(1000.0, 503.0)) == 2000.0


def battery(
    percent: float, power_mw: float, energy_mwh: float | None = None, **more: float
) -> dict[str, Sense]:
    raw = {
        "battery__B__percent": percent,
        "battery__B__power_mw": -power_mw,
        "battery__B__charging": -1.0,
        "battery__B__energy_mwh": energy_mwh,
        **{f"battery__B__{k}": v for k, v in more.items()},
    }
    return senses(**raw)


def test_time_left_by_coulomb_counting() -> None:
    d = Derivation()
    for n in range(300):
        found = d.derive(battery(50, 10_000, 20_000), float(n))
    assert value(found["battery_left_s"]) == pytest.approx(7200)
    assert value(found["battery_left_sd_s"]) == pytest.approx(360)


def test_a_draw_that_swings_makes_the_time_left_less_sure() -> None:
    rng = random.Random(3)
    d = Derivation()
    for n in range(600):
        found = d.derive(battery(50, rng.choice([4_000, 16_000]), 20_000), float(n))
    left, sd = value(found["battery_left_s"]), value(found["battery_left_sd_s"])
    assert left == pytest.approx(7200, rel=0.25)
    assert isinstance(sd, float)
    assert 0.3 < sd / 7200 < 1.0, "the draw's own deviation is 0.6 of its mean"


def test_time_left_by_the_slope_of_the_percentage() -> None:
    d = Derivation()
    start, per_s = 80.0, 0.01
    for n in range(1200):
        raw = senses(battery__B__percent=float(round(start - per_s * n)), battery__B__charging=-1.0)
        found = d.derive(raw, float(n))
    truth_s = (start - per_s * 1199) / per_s
    left, sd = value(found["battery_left_s"]), value(found["battery_left_sd_s"])
    assert isinstance(left, float)
    assert isinstance(sd, float)
    assert abs(left - truth_s) < 2 * sd
    assert sd / truth_s < 0.15


def test_the_surest_estimate_is_chosen_and_all_are_shown() -> None:
    d = Derivation()
    for n in range(100):
        found = d.derive(battery(50, 10_000, 20_000, left_s=5000.0), float(n))
    assert value(found["battery_left.gauge_s"]) == 5000.0
    assert value(found["battery_left.gauge_sd_s"]) == 750.0
    assert value(found["battery_left_s"]) == value(found["battery_left.coulomb_s"])


def test_on_mains_there_is_no_time_left_and_no_memory_of_it() -> None:
    d = Derivation()
    for n in range(50):
        d.derive(battery(50, 10_000, 20_000), float(n))
    found = d.derive(senses(battery__B__percent=50.0, battery__B__charging=1.0), 51.0)
    assert value(found["battery_left_s"]) == "absent"
    assert value(found["on_mains"]) == 1.0


def test_a_gauge_that_stands_still_while_energy_flows_is_frozen_until_it_moves() -> None:
    d = Derivation()
    found: dict[str, Sense] = {}
    full = {"energy_full_mwh": 50_000.0}
    for n in range(1000):  # 10 W for 1000 s are 2.8 Wh, 5.6 % of the pack
        found = d.derive(battery(50, 10_000, 25_000, **full), float(n))
    assert value(found["battery_percent"]) == 50
    for n in range(1000, 1100):
        found = d.derive(battery(50, 10_000, 25_000, **full), float(n))
    assert value(found["battery_percent"]) == "frozen"
    assert value(found["battery_energy_mwh"]) == "frozen"
    assert value(found["battery_left_s"]) == "frozen"
    found = d.derive(battery(49, 10_000, 24_500, **full), 1101.0)
    assert value(found["battery_percent"]) == 49


def test_a_gauge_without_a_draw_may_stand_still() -> None:
    d = Derivation()
    for n in range(0, 100_000, 10):
        found = d.derive(battery(50, 5, 25_000, energy_full_mwh=50_000.0), float(n))
    assert value(found["battery_percent"]) == 50


def test_two_batteries_are_one_supply_and_half_of_it_is_a_lie() -> None:
    raw = senses(
        battery__A__percent=80.0,
        battery__A__energy_mwh=8000.0,
        battery__A__energy_full_mwh=10_000.0,
        battery__B__percent=20.0,
        battery__B__energy_mwh=6000.0,
        battery__B__energy_full_mwh=30_000.0,
    )
    found = Derivation().derive(raw, 0.0)
    assert value(found["battery_percent"]) == pytest.approx(35.0)
    assert value(found["battery_energy_mwh"]) == 14_000
    raw["battery.B.energy_mwh"] = NoData("battery.B.energy_mwh", "io", "lost")
    raw["battery.B.percent"] = NoData("battery.B.percent", "io", "lost")
    found = Derivation().derive(raw, 0.0)
    assert value(found["battery_energy_mwh"]) == "io"
    assert value(found["battery_percent"]) == "io"


def test_a_discharged_pack_says_so_whatever_the_other_says() -> None:
    raw = senses(battery__A__charge_state=7.0, battery__B__charge_state=3.0)
    assert value(Derivation().derive(raw, 0.0)["battery_charge_state"]) == 3.0


NAMES = (
    "zone__a__temp_c",
    "rail__VDD_IN__power_mw",
    "battery__B__percent",
    "battery__B__power_mw",
    "battery__B__energy_mwh",
    "battery__B__charging",
    "battery__B__left_s",
    "mains__AC__online",
    "throttle__x__active",
    "cpu__load",
    "memory__available_bytes",
    "gpu__g__load",
)
ANY = (
    st.none()
    | st.sampled_from(["io", "hung", "absent"])
    | st.floats(allow_nan=False, allow_infinity=False)
)


@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        ANY,
    ),
    st.lists(st.floats(0, 100), min_size=1, max_size=5),
)
def test_whatever_the_readers_say_every_derived_sense_is_there_and_finite(
    raw: dict[str, Any], times: list[float]
) -> None:
    d = Derivation()
    now_s = 0.0
    for dt_s in times:
        now_s += dt_s
        found = d.derive(senses(**raw), now_s)
        assert found.keys() >= {
            "temp_c",
            "power_mw",
            "energy_mj",
            "battery_percent",
            "battery_left_s",
            "battery_left_sd_s",
            "battery_energy_mwh",
            "battery_charge_state",
            "on_mains",
            "throttled",
            "memory_available_bytes",
            "memory_pressure",
            "cpu_load",
            "gpu_load",
        }
        for name, sense in found.items():
            assert sense.name == name
            if isinstance(sense, Reading):
                assert math.isfinite(sense.value)
                assert sense.age_s >= 0.5
            else:
                assert sense.reason
