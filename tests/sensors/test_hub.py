"""The hub: threads, costs, periods, plug-ins of third parties, and logging on the edge only."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgerund.clock import Clock, ManualClock, SystemClock
from edgerund.errors import PluginError
from edgerund.ports import SysRoot
from edgerund.sensors.fake_board import FakeBoard
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import NoData, Reading, Sense
from tests.boards import BoardFixture
from tests.waiting import wait_for

HERE = __name__


class Plug:
    """A third party's reader, as an entry point would bring it."""

    period_s = 1.0

    def __init__(self, root: SysRoot, clock: Clock, value: float = 1.0) -> None:
        self.value = value
        self.closed = 0

    def probe(self) -> str | None:
        return None

    def read(self) -> Iterable[Sense]:
        return [Reading("plug.value", self.value, "1", 0.0, "plug")]

    def close(self) -> None:
        self.closed += 1


class Bad(Plug):
    def read(self) -> Iterable[Sense]:
        raise ZeroDivisionError("a mistake in a plug-in")


class BadProbe(Plug):
    def probe(self) -> str | None:
        raise RuntimeError("no luck")


class NotFinite(Plug):
    def read(self) -> Iterable[Sense]:
        return [Reading("plug.value", float("nan"), "1", 0.0, "plug")]


class Stuck(Plug):
    """Waits for a byte in a pipe, as a driver waits for a bus."""

    def __init__(self, root: SysRoot, clock: Clock, fd: int = -1) -> None:
        super().__init__(root, clock)
        self._fd = fd

    def read(self) -> Iterable[Sense]:
        os.read(self._fd, 1)
        return [Reading("plug.value", 1.0, "1", 0.0, "plug")]


class Flicker(Plug):
    """Broken every other time."""

    def read(self) -> Iterable[Sense]:
        self.value += 1
        if self.value % 2:
            return [NoData("plug.value", "io", "EIO")]
        return [Reading("plug.value", self.value, "1", 0.0, "plug")]


def hub_of(root: Path, *names: str, clock: Clock | None = None, **options: Any) -> SensorHub:
    return SensorHub(FileRoot(root), clock or SystemClock(), names, options)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        os.close(fd)


@pytest.mark.parametrize("name", ["Bad", "BadProbe", "NotFinite"])
def test_a_plug_in_that_fails_costs_its_own_values_only(tmp_path: Path, name: str) -> None:
    FakeBoard(tmp_path).zone("tj-thermal", 45.5)
    hub = hub_of(tmp_path, f"{HERE}:{name}", "thermal", clock=ManualClock())
    hub.poll_due()
    senses = hub.senses()
    assert isinstance(senses["temp_c"], Reading)
    assert not isinstance(senses.get("plug.value"), Reading)
    assert {s.name: s.state for s in hub.status()}[f"{HERE}:{name}"] == "failing"


def test_an_unknown_reader_or_option_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="cannot find sensor 'nonsense'"):
        hub_of(tmp_path, "nonsense")
    with pytest.raises(PluginError, match="cannot set up the sensor 'thermal'"):
        hub_of(tmp_path, "thermal", thermal={"colour": 1})
    with pytest.raises(PluginError, match="'memory': it is not enabled"):
        hub_of(tmp_path, "thermal", memory={"period_s": 5})
    with pytest.raises(PluginError, match="period_s must be"):
        hub_of(tmp_path, "thermal", thermal={"period_s": 0})


def test_the_rails_of_the_total_may_be_named(tmp_path: Path) -> None:
    board = FakeBoard(tmp_path)
    for label, power_mw in (("A", 1000), ("B", 2000), ("C", 4000)):
        board.rail(label, power_mw)
    hub = hub_of(tmp_path, "ina3221", clock=ManualClock(), derive={"total_rails": ["A", "C"]})
    hub.poll_due()
    power = hub.senses()["power_mw"]
    assert isinstance(power, Reading)
    assert power.value == 5000
    with pytest.raises(PluginError, match="give total_rails, a list"):
        hub_of(tmp_path, "ina3221", derive={"total": "A"})


def test_options_reach_the_reader(tmp_path: Path) -> None:
    name = f"{HERE}:Plug"
    hub = hub_of(tmp_path, name, clock=ManualClock(), **{name: {"value": 7.5}})
    hub.poll_due()
    found = hub.senses()["plug.value"]
    assert isinstance(found, Reading)
    assert found.value == 7.5


def test_a_stuck_reader_delays_nobody_and_ends_when_its_read_does(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    FakeBoard(tmp_path).zone("tj-thermal", 45.5)
    name = f"{HERE}:Stuck"
    options: dict[str, Any] = {"thermal": {"period_s": 0.1}, name: {"fd": pipe[0]}}
    hub = hub_of(tmp_path, name, "thermal", **options)
    hub.start()
    try:
        wait_for(lambda: {s.name: s.state for s in hub.status()}[name] == "hung", 5.0, "hung")
        rounds = {s.name: s.rounds for s in hub.status()}["thermal"]
        wait_for(
            lambda: {s.name: s.rounds for s in hub.status()}["thermal"] > rounds + 5,
            5.0,
            "the other",
        )
        assert hub.progress()
        os.write(pipe[1], b"x")
        wait_for(lambda: isinstance(hub.senses().get("plug.value"), Reading), 5.0, "the value")
    finally:
        os.write(pipe[1], b"x" * 100)
        hub.stop()
    wait_for(lambda: not _threads(), 5.0, "the end of every thread")


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("sensors")]


def test_many_stuck_readers_cost_a_thread_each_and_no_more(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    FakeBoard(tmp_path).zone("tj-thermal", 45.5)
    module = sys.modules[HERE]
    names = [f"{HERE}:Stuck{i}" for i in range(6)]
    for i in range(6):
        setattr(module, f"Stuck{i}", type(f"Stuck{i}", (Stuck,), {}))
    options: dict[str, Any] = {n: {"fd": pipe[0]} for n in names}
    hub = hub_of(tmp_path, *names, "thermal", thermal={"period_s": 0.1}, **options)
    hub.start()
    try:
        wait_for(
            lambda: [s.state for s in hub.status()].count("hung") == 6, 10.0, "six hung readers"
        )
        wait_for(lambda: isinstance(hub.senses()["temp_c"], Reading), 5.0, "the one that works")
        assert len(_threads()) <= len(names) + 3
    finally:
        os.write(pipe[1], b"x" * 1000)
        hub.stop()
    wait_for(lambda: not _threads(), 5.0, "the end of every thread")


def test_senses_never_wait_for_a_stuck_reader(tmp_path: Path, pipe: tuple[int, int]) -> None:
    name = f"{HERE}:Stuck"
    options: dict[str, Any] = {name: {"fd": pipe[0]}}
    hub = hub_of(tmp_path, name, **options)
    hub.start()
    try:
        done = threading.Event()

        def ask() -> None:
            for _ in range(100):
                hub.senses()
            done.set()

        asking = threading.Thread(target=ask)
        asking.start()
        assert done.wait(5.0), "senses() waited for the hardware"
        asking.join()
    finally:
        os.write(pipe[1], b"x" * 100)
        hub.stop()


def test_a_reader_keeps_its_own_period(tmp_path: Path) -> None:
    board = FakeBoard(tmp_path)
    board.zone("tj-thermal", 45.5)
    clock = ManualClock()
    hub = hub_of(tmp_path, "thermal", "memory", clock=clock, thermal={"period_s": 0.5})
    for _ in range(80):
        hub.poll_due()
        clock.advance(0.25)
    rounds = {s.name: s.rounds for s in hub.status()}
    assert rounds == {"thermal": 40, "memory": 10}


def test_readers_without_hardware_are_looked_for_rarely(tmp_path: Path) -> None:
    clock = ManualClock()
    hub = hub_of(tmp_path, "thermal", clock=clock)
    for _ in range(60):
        hub.poll_due()
        clock.advance(1.0)
    assert hub.status()[0].rounds <= 5
    FakeBoard(tmp_path).zone("tj-thermal", 45.5)
    for _ in range(16):
        hub.poll_due()
        clock.advance(1.0)
    assert isinstance(hub.senses()["temp_c"], Reading), "hardware that comes late is found"


def test_age_grows_until_the_value_is_stale(tmp_path: Path) -> None:
    FakeBoard(tmp_path).zone("tj-thermal", 45.5)
    clock = ManualClock()
    hub = hub_of(tmp_path, "thermal", clock=clock)
    hub.poll_due()
    ages: list[float | str] = []
    for _ in range(5):
        sense = hub.senses()["temp_c"]
        ages.append(sense.age_s if isinstance(sense, Reading) else sense.reason)
        clock.advance(1.0)
    assert ages == [0.0, 1.0, 2.0, 3.0, "stale"]


def test_a_failure_is_logged_once_and_its_end_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    board = FakeBoard(tmp_path)
    board.zone("tj-thermal", 45.5)
    clock = ManualClock()
    hub = hub_of(tmp_path, "thermal", clock=clock)
    with caplog.at_level(logging.INFO, "edgerund.sensors"):
        for state in ("45500", "junk", "junk", "junk", "45500", "45600"):
            board.write("/sys/class/thermal/thermal_zone0/temp", state)
            hub.poll_due()
            clock.advance(1.0)
    lines = [r.message for r in caplog.records]
    assert len(lines) == 2
    assert "no value for zone.tj-thermal.temp_c (garbage: not a number: 'junk')" in lines[0]
    assert "values again for zone.tj-thermal.temp_c" in lines[1]


def test_a_flickering_sensor_does_not_flood_the_journal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    hub = hub_of(tmp_path, f"{HERE}:Flicker", clock=clock)
    with caplog.at_level(logging.INFO, "edgerund.sensors"):
        for _ in range(500):
            hub.poll_due()
            clock.advance(1.0)
    assert 0 < len(caplog.records) < 12
    assert any("no more lines" in r.message for r in caplog.records)


def test_costs_are_measured_per_reader(tmp_path: Path) -> None:
    FakeBoard(tmp_path).zone("tj-thermal", 45.5)
    hub = hub_of(tmp_path, "thermal", "memory")
    hub.poll_due()
    costs = hub.costs()
    assert set(costs) == {"thermal", "memory"}
    assert all(0 < c < 0.5 for c in costs.values())


def test_the_orin_board_wakes_the_processor_less_than_twenty_times_a_second(
    board: Callable[[str], BoardFixture],
) -> None:
    fixture = board("orin_nano_jp6")
    hub = SensorHub(FileRoot(fixture.root), SystemClock())
    hub.start()
    try:
        wait_for(hub.settled, what="a first round")
        tids = {t.native_id for t in threading.enumerate() if t.name.startswith("sensors")}
        before, began_s = _switches(tids), time.monotonic()
        rounds = sum(s.rounds for s in hub.status())
        wait_for(lambda: sum(s.rounds for s in hub.status()) > rounds + 25, 20.0, "some rounds")
        took_s = time.monotonic() - began_s
        assert (_switches(tids) - before) / took_s < 20
    finally:
        hub.stop()


def _switches(tids: set[int | None]) -> int:
    """Voluntary context switches of these threads: each is one wake-up."""
    total = 0
    for tid in tids:
        for line in Path(f"/proc/self/task/{tid}/status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def test_stopping_twice_and_without_a_start_is_allowed(tmp_path: Path) -> None:
    hub = hub_of(tmp_path, f"{HERE}:Plug")
    hub.stop()
    hub.start()
    hub.stop()
    hub.stop()
