"""What docs/sensors.md and docs/writing-a-sensor.md promise."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest
import yaml

from edgerund.clock import ManualClock
from edgerund.sensors import ON_REQUEST, TABLE
from edgerund.sensors.derive import Derivation
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import NoData, Reading, snapshot
from tests.sensors.cases import write

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks(name: str, language: str) -> list[str]:
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_smallest_sensor_works_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = blocks("writing-a-sensor.md", "python")
    module = types.ModuleType("my_package.fuel")
    exec(compile(code, "writing-a-sensor.md", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "my_package", types.ModuleType("my_package"))
    monkeypatch.setitem(sys.modules, "my_package.fuel", module)
    (told,) = blocks("writing-a-sensor.md", "yaml")
    options = yaml.safe_load(told)["sensors"]["options"]
    clock = ManualClock()
    hub = SensorHub(FileRoot(tmp_path), clock, None, options)
    write(tmp_path, "/sys/class/fuel/gauge0/level", "42")
    hub.poll_due()
    found = hub.senses()["fuel.percent"]
    assert isinstance(found, Reading)
    assert (found.value, found.unit) == (42.0, "%")
    write(tmp_path, "/sys/class/fuel/gauge0/level", "4200")
    clock.advance(2.0)
    hub.poll_due()
    lost = hub.senses()["fuel.percent"]
    assert isinstance(lost, NoData)
    assert lost.reason == "range"


def test_the_settings_of_the_page_make_a_hub(tmp_path: Path) -> None:
    (told,) = blocks("sensors.md", "yaml")
    hub = SensorHub(
        FileRoot(tmp_path), ManualClock(), None, yaml.safe_load(told)["sensors"]["options"]
    )
    names = [s.name for s in hub.status()]
    assert set(names) == (set(TABLE) - ON_REQUEST) | {"mavlink", "network"}


def test_the_list_of_derived_senses_is_the_real_one() -> None:
    derived = {n for n in Derivation().derive({}, 0.0) if "." not in n}
    listed = set(re.findall(r"^    (\w+) +", snapshot.__doc__ or "", re.MULTILINE))
    assert derived == listed
    page = (DOCS / "sensors.md").read_text(encoding="utf-8")
    assert [n for n in derived if f"`{n}`" not in page] == []
