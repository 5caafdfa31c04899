"""What every actuator promises, over every one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgerund import registry
from edgerund.actuators.load import load_actuators
from edgerund.errors import PluginError
from edgerund.sensors.sysroot import FileRoot
from tests.actuators.cases import CASES, Case, fake_nvpmodel

SHARES = [1.0, 0.99, 0.9, 0.75, 0.6, 0.5, 0.4, 0.25, 0.1, 0.0]
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def test_every_built_in_actuator_has_a_case() -> None:
    assert {c.name for c in CASES.values()} == set(registry.names_built_in("actuators"))


@every_case
def test_it_is_found_and_tells_a_value_per_knob(case: Case, tmp_path: Path) -> None:
    actuator = case.make(tmp_path)
    assert actuator.probe() is None
    found = actuator.read()
    assert len(found) == case.knobs
    assert all(value.isdigit() for value in found.values())


@every_case
def test_what_is_not_there_is_told_in_words(case: Case, tmp_path: Path) -> None:
    actuator = case.absent(tmp_path)
    assert actuator.probe()


@every_case
def test_a_smaller_share_is_never_faster_and_full_speed_is_what_was(
    case: Case, tmp_path: Path
) -> None:
    actuator = case.make(tmp_path)
    was = actuator.read()
    assert actuator.plan(1.0, was) == was
    sign = 1 if case.faster_is_more else -1  # numbers of power modes grow as they get slower
    before = {knob: sign * int(value) for knob, value in was.items()}
    for share in SHARES:
        planned = {k: sign * int(v) for k, v in actuator.plan(share, was).items()}
        assert planned.keys() == was.keys()
        assert all(planned[k] <= before[k] for k in planned), share
        assert not case.faster_is_more or all(v >= case.lowest for v in planned.values())
        before = planned
    assert before != {k: sign * int(v) for k, v in was.items()}, "it can be slowed down"


@every_case
def test_what_is_planned_can_be_written_and_put_back(case: Case, tmp_path: Path) -> None:
    actuator = case.make(tmp_path)
    was = dict(actuator.read())
    for values in (actuator.plan(0.4, was), was):
        for knob, value in values.items():
            actuator.write(knob, value)
        assert actuator.read() == values


@every_case
def test_planning_writes_nothing(case: Case, tmp_path: Path) -> None:
    actuator = case.make(tmp_path)
    was = dict(actuator.read())
    for share in SHARES:
        actuator.plan(share, was)
    assert actuator.read() == was


def test_a_step_of_the_hardware_is_taken_where_it_lists_them(tmp_path: Path) -> None:
    actuator = CASES["cpu_freq"].make(tmp_path)
    planned = actuator.plan(0.65, actuator.read())
    assert set(planned.values()) == {"1200000"}


def test_a_mode_that_needs_a_reboot_is_refused(tmp_path: Path) -> None:
    command = str(fake_nvpmodel(tmp_path))
    (actuator,) = load_actuators(
        ["nvpmodel"], FileRoot(tmp_path), {"nvpmodel": {"modes": [0, 9], "command": command}}
    ).values()
    with pytest.raises(OSError, match="needs a reboot"):
        actuator.write("mode", "9")
    assert actuator.read() == {"mode": "0"}


def test_a_mode_that_the_settings_do_not_name_is_left_alone(tmp_path: Path) -> None:
    command = str(fake_nvpmodel(tmp_path, "5"))
    (actuator,) = load_actuators(
        ["nvpmodel"], FileRoot(tmp_path), {"nvpmodel": {"modes": [0, 2], "command": command}}
    ).values()
    assert actuator.plan(0.4, actuator.read()) == {"mode": "5"}


@pytest.mark.parametrize("options", [{}, {"modes": [0]}, {"modes": ["a", "b"]}, {"colour": 1}])
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(PluginError, match="cannot set up the actuator 'nvpmodel'"):
        load_actuators(["nvpmodel"], FileRoot(tmp_path), {"nvpmodel": options})
