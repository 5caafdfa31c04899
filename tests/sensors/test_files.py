"""The way files are read, and the simulated board."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgerund.clock import ManualClock
from edgerund.sensors.fake_board import FakeBoard
from edgerund.sensors.fields import celsius, integer, unique
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import NoData, Reading
from tests.sensors.cases import write


def test_names_are_sorted_as_people_count(tmp_path: Path) -> None:
    for n in (10, 2, 1, 30):
        write(tmp_path, f"/sys/class/thermal/thermal_zone{n}/type", "x")
    found = FileRoot(tmp_path).glob("/sys/class/thermal/thermal_zone*/type")
    assert [f.split("zone")[1].split("/")[0] for f in found] == ["1", "2", "10", "30"]


def test_a_root_with_magic_characters_is_a_folder_like_any_other(tmp_path: Path) -> None:
    root = tmp_path / "a[b]*?"
    write(root, "/sys/x1", "5")
    assert FileRoot(root).glob("/sys/x*") == ["/sys/x1"]
    assert integer(FileRoot(root), "/sys/x1") == 5


def test_a_file_at_the_limit_is_read_and_one_beyond_is_refused(tmp_path: Path) -> None:
    root = FileRoot(tmp_path)
    for name in ("/sys/a", "/proc/a"):
        (tmp_path / name[1:]).parent.mkdir(exist_ok=True)
        (tmp_path / name[1:]).write_bytes(b"7" * 4096)
        assert len(root.read(name)) == 4096
        (tmp_path / name[1:]).write_bytes(b"7" * 4097)
        with pytest.raises(OSError, match="more than") as e:
            root.read(name)
        assert e.value.errno == errno.EFBIG


def test_a_long_file_of_proc_is_read_to_its_end() -> None:
    text = FileRoot().read("/proc/self/smaps", limit=50_000_000)
    assert len(text) > 3 * 4096, "longer than what one read hands out"
    assert text.splitlines()[-1].startswith("VmFlags")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_whatever_a_file_holds_it_is_a_number_of_a_board_or_absent(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "temp").write_bytes(data)
    found = celsius(FileRoot(tmp_path), "/temp", "zone.x.temp_c", hundred_is_true=False)
    if isinstance(found, Reading):
        assert -100 <= found.value <= 200
        assert round(found.value * 1000) == int(data.decode())
    else:
        assert found.reason in {"garbage", "range", "offline"}
        assert found.detail


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("45130", 45.13),
        ("-5000", -5.0),
        ("+500", 0.5),
        ("0", "range"),
        ("7", "range"),
        ("-256000", "offline"),
    ],
)
def test_temperatures(tmp_path: Path, raw: str, expected: float | str) -> None:
    (tmp_path / "temp").write_text(raw)
    found = celsius(FileRoot(tmp_path), "/temp", "zone.x.temp_c", hundred_is_true=False)
    assert (found.value if isinstance(found, Reading) else found.reason) == expected


def test_a_hundred_degrees_is_true_on_a_sensor_that_counts_in_whole_ones(tmp_path: Path) -> None:
    (tmp_path / "temp").write_text("100000")
    root = FileRoot(tmp_path)
    assert isinstance(celsius(root, "/temp", "n", hundred_is_true=True), Reading)
    assert isinstance(celsius(root, "/temp", "n", hundred_is_true=False), NoData)


def test_labels_become_names_and_twins_are_told_apart() -> None:
    taken: set[str] = set()
    names = [
        unique(label, taken) for label in ("VDD_IN", "Core 0", "VDD_IN", "", "a.b/c", "VDD_IN")
    ]
    assert names == ["VDD_IN", "Core_0", "VDD_IN#2", "unnamed", "a_b_c", "VDD_IN#3"]


def test_the_simulated_board_is_read_like_hardware(tmp_path: Path) -> None:
    board = FakeBoard(tmp_path)
    board.zone("tj-thermal", 61.25)
    board.zone("gpu-thermal", 58.5)
    board.rail("VDD_IN", 7500)
    board.rail("VDD_SOC", 1500)
    board.rail("VDD_CPU_GPU_CV", 2500)
    board.rail("FOURTH", 100)
    board.battery(42, "Discharging", 9000)
    board.memory(2 << 30, pressure=12.5)
    clock = ManualClock()
    hub = SensorHub(FileRoot(board.root), clock)
    hub.poll_due()
    board.cpu_load(0.75)
    board.throttle(2)
    board.zone("tj-thermal", 62.5)
    clock.advance(2.0)
    hub.poll_due()
    senses = hub.senses()
    values = {n: s.value for n, s in senses.items() if isinstance(s, Reading) and "." not in n}
    energy = values.pop("energy_mj")
    assert energy == pytest.approx(15_000)
    assert values.pop("battery_left_sd_s") > 0
    assert values == {
        "temp_c": 62.5,
        "power_mw": 7500.0,
        "battery_percent": 42.0,
        "battery_energy_mwh": 21_000.0,
        "battery_left_s": 8400.0,
        "on_mains": 0.0,
        "throttled": 1.0,
        "memory_available_bytes": float(2 << 30),
        "memory_pressure": 12.5,
        "cpu_load": 0.75,
    }
    fourth = senses["rail.FOURTH.power_mw"]
    assert isinstance(fourth, Reading)
    assert fourth.value == 100


def test_what_the_simulated_board_loses_is_absent(tmp_path: Path) -> None:
    board = FakeBoard(tmp_path)
    board.zone("tj-thermal", 61.25)
    board.zone("gpu-thermal", 58.5)
    clock = ManualClock()
    hub = SensorHub(FileRoot(board.root), clock, ["thermal"])
    hub.poll_due()
    board.lose("/sys/class/thermal/thermal_zone0")
    board.lose("/sys/class/thermal/thermal_zone1/temp")
    board.lose("/sys/class/nothing")
    clock.advance(1.0)
    hub.poll_due()
    assert [s for s in hub.senses().values() if isinstance(s, Reading)] == []
