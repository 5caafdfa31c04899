from __future__ import annotations

from pathlib import Path

import pytest

from edgerund.errors import ConfigError, UsageError
from edgerund.sim import bundled
from edgerund.sim.scenario import Scenario, at, load_scenario


@pytest.mark.parametrize("name", bundled.scenario_names())
def test_every_shipped_scenario_loads_and_says_what_it_is_about(name: str) -> None:
    assert load_scenario(bundled.scenario_path(name)).about


def test_there_are_at_least_the_twelve_kinds_of_trouble() -> None:
    assert len(bundled.scenario_names()) >= 12


def test_a_profile_is_straight_between_its_points_and_flat_outside() -> None:
    profile = [(10.0, 1.0), (20.0, 3.0)]
    assert [at(profile, t) for t in (0, 10, 15, 20, 99)] == [1.0, 1.0, 2.0, 3.0, 3.0]
    assert at(7.0, 123.0) == 7.0


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("about: x\nambiant_c: 20\n", ":2", "unknown key"),
        ("duration_s: 5\n", ":1", "greater than or equal"),
        (
            "sensor_faults:\n  - {sensor: temp_c, kind: melted, from_s: 0, to_s: 9}\n",
            ":2",
            "'frozen'",
        ),
        ("fan_fails:\n  - from_s: 9\n    to_s: 3\n", ":2", "must be later"),
        ("ambient_c: [[10, 1], [5, 2]]\n", ":1", "order of time"),
        ("battery: {capacity_wh: -1}\n", ":1", "greater than 0"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(
    tmp_path: Path, text: str, place: str, message: str
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_scenario(file)
    assert f"s.yaml{place}" in str(caught.value)
    assert message in str(caught.value)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"cannot find scenario 'clam'.*calm"):
        bundled.scenario_path("clam")


def test_the_defaults_are_a_whole_scenario() -> None:
    assert Scenario().duration_s == 3600.0
