from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.sensors.checks import BELIEVE_AFTER_S, Checker, limits_of
from edgerund.types import NoData, Reading, Sense


def temp(value: float, name: str = "zone.tj-thermal.temp_c") -> Reading:
    return Reading(name, value, "C", 0.0, "f")


def judged(values: list[float], name: str = "zone.tj-thermal.temp_c") -> list[Sense]:
    checker = Checker()
    return [checker.judge(temp(v, name), float(n)) for n, v in enumerate(values)]


def reasons(senses: list[Sense]) -> list[str]:
    return [s.reason if isinstance(s, NoData) else "" for s in senses]


@given(st.floats())
def test_no_value_that_is_not_finite_or_in_range_gets_through(value: float) -> None:
    (found,) = judged([value])
    if isinstance(found, Reading):
        assert -60 <= found.value <= 150
    else:
        assert found.reason == "range"
        assert not -60 <= value <= 150 or math.isnan(value)


@given(st.lists(st.floats(20, 90), min_size=1, max_size=40))
def test_a_delivered_value_is_always_the_value_that_was_read(values: list[float]) -> None:
    for given_, found in zip(values, judged(values), strict=True):
        if isinstance(found, Reading):
            assert found.value == given_


@given(st.floats(20.0, 40.0), st.lists(st.floats(-12, 12), max_size=60))
def test_what_a_die_can_do_is_never_rejected(start: float, changes: list[float]) -> None:
    values = [start]
    for change in changes:
        values.append(min(120.0, max(10.0, values[-1] + change)))
    assert set(reasons(judged(values))) == {""}


@given(st.floats(20.0, 50.0), st.floats(96.0, 145.0))
def test_a_single_spike_is_rejected_and_forgotten(base: float, spike: float) -> None:
    steady = [base + 0.1 * n for n in range(5)]
    assert reasons(judged([*steady, spike, *steady])) == [""] * 5 + ["step"] + [""] * 5


def test_a_step_is_believed_after_its_time_and_not_before() -> None:
    found = reasons(judged([40.1] + [110.1 + 0.1 * n for n in range(15)]))
    assert found[1 : 1 + int(BELIEVE_AFTER_S)] == ["step"] * int(BELIEVE_AFTER_S)
    assert set(found[1 + int(BELIEVE_AFTER_S) :]) == {""}


def test_two_levels_in_turn_are_never_believed() -> None:
    found = reasons(judged([40.1] + [(110.1, 145.2)[n % 2] for n in range(40)]))
    assert found[1:] == ["step"] * 40


def test_a_whole_degree_sensor_may_stand_still_for_long() -> None:
    checker = Checker()
    for n in range(600):
        checker.note_load("cpu.load", float(n % 2))
        assert isinstance(checker.judge(temp(46.0), float(n)), Reading)
    fine = Checker()
    found: list[Sense] = []
    for n in range(120):
        fine.note_load("cpu.load", float(n % 2))
        found.append(fine.judge(temp(46.125), float(n)))
    assert reasons(found)[-1] == "frozen"


def test_forgotten_hardware_is_judged_afresh() -> None:
    checker = Checker()
    checker.judge(temp(40.1), 0.0)
    assert isinstance(checker.judge(temp(120.1), 1.0), NoData)
    checker.forget("zone.tj-thermal.temp_c")
    assert isinstance(checker.judge(temp(120.1), 2.0), Reading)


@pytest.mark.parametrize(
    ("name", "value", "fine"),
    [
        ("rail.VDD_IN.power_mw", -5.0, False),
        ("rail.VDD_IN.power_mw", 7000.0, True),
        ("battery.BAT0.percent", 101.0, False),
        ("battery.BAT0.temp_c", 130.0, False),
        ("something.else", 1e18, True),
    ],
)
def test_limits_belong_to_names(name: str, value: float, fine: bool) -> None:
    assert isinstance(Checker().judge(Reading(name, value, "", 0.0, ""), 0.0), Reading) == fine
    assert limits_of("cpu.load").frozen_s is None
