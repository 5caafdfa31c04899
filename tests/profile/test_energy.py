from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.clock import SystemClock
from edgerund.profile.energy import Window, energy_of, estimate
from edgerund.profile.figures import Energy
from edgerund.profile.measure import measure
from edgerund.profile.rail import Rail, open_rail
from edgerund.sensors.sysroot import FileRoot
from tests.profile.ladders import QUICK, fake_ladder

IDLE_UW, BUSY_UW = 2_000_000, 5_000_000
BRIEF = replace(QUICK, rounds=2, energy_seconds=6.0)


def board(folder: Path) -> Path:
    """The file of the one rail of a board with an INA power monitor."""
    hwmon = folder / "sys/class/hwmon/hwmon0"
    hwmon.mkdir(parents=True)
    (hwmon / "name").write_text("ina231\n")
    (hwmon / "power1_label").write_text("VDD_IN\n")
    rail = hwmon / "power1_input"
    rail.write_text(f"{IDLE_UW}\n")
    return rail


@contextmanager
def following(rail: Path) -> Iterator[None]:
    """The rail draws more as long as any process of ours works: what a monitor would see of this machine."""
    stop = threading.Event()
    us = psutil.Process()

    def follow() -> None:
        before = 0.0
        while not stop.wait(0.05):
            used = 0.0
            for child in us.children(recursive=True):
                try:
                    used += child.cpu_times().user
                except psutil.Error:
                    continue
            fresh = rail.with_name("power1_new")
            fresh.write_text(f"{BUSY_UW if used > before else IDLE_UW}\n")
            fresh.replace(rail)
            before = used

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_rail_that_follows_the_load_tells_the_energy(tmp_path: Path) -> None:
    rail = board(tmp_path)
    ladder = fake_ladder(tmp_path, works={"latency_ms": 2, "busy": True})
    with following(rail):
        told = measure(ladder, BRIEF, root=FileRoot(tmp_path))
    energy = told.of("works").energy
    assert energy.mj is not None, energy.reason
    assert energy.mj > 0
    assert energy.source.endswith("power1_input")
    assert energy.error is not None


def test_a_dead_rail_is_not_taken_for_a_frugal_network(tmp_path: Path) -> None:
    board(tmp_path)
    told = measure(
        fake_ladder(tmp_path, works={"latency_ms": 2, "busy": True}), BRIEF, root=FileRoot(tmp_path)
    )
    energy = told.of("works").energy
    assert energy.mj is None
    assert "does not follow the load" in energy.reason
    assert energy.estimate_mj is not None


def test_without_a_rail_the_reason_is_told(tmp_path: Path) -> None:
    clock = SystemClock()
    with open_rail(FileRoot(tmp_path), clock) as rail:
        assert isinstance(rail, str)
        assert "no power rail" in rail


def test_a_rail_that_vanishes_is_told(tmp_path: Path) -> None:
    clock = SystemClock()
    file = board(tmp_path)
    with open_rail(FileRoot(tmp_path), clock) as rail:
        assert isinstance(rail, Rail)
        assert rail.mean_mw(0.6, clock) == pytest.approx(IDLE_UW / 1000)
        file.unlink()
        file.with_name("name").unlink()
        while rail.mean_mw(0.6, clock) is not None:
            pass
        assert rail.lost is not None
        assert "lost" in rail.lost or "nothing new" in rail.lost


POWERS = st.floats(0, 20_000)


@given(
    st.floats(50, 20_000),
    st.lists(st.tuples(POWERS, st.floats(-0.02, 0.02)), min_size=3, max_size=9),
)
def test_idle_is_taken_away_window_by_window(
    more_mw: float, idles: list[tuple[float, float]]
) -> None:
    windows = [Window(idle + more_mw * (1 + off), idle, 0.002) for idle, off in idles]
    energy = energy_of(windows, "rail")
    if energy.mj is not None:
        assert energy.mj == pytest.approx(more_mw * 0.002, rel=0.03)
    else:
        assert "does not follow" in energy.reason


@given(st.lists(st.floats(0, 5), min_size=3, max_size=9), st.floats(1, 1e4))
def test_less_power_while_busy_is_never_an_energy(less: list[float], idle: float) -> None:
    assert energy_of([Window(idle - d, idle, 0.01) for d in less], "rail").mj is None


def test_too_few_windows_are_no_measurement() -> None:
    assert energy_of([Window(9.0, 1.0, 1.0)] * 2, "VDD_IN").mj is None


def test_an_estimate_leaves_what_was_measured_alone() -> None:
    told = estimate(Energy(mj=3.0, source="VDD_IN"), 4.0, 0.5)
    assert (told.mj, told.estimate_mj) == (3.0, 2.0)
    assert "assumed" in told.formula
    assert estimate(Energy(), None, 0.5) == Energy()
