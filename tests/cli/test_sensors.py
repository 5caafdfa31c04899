"""``edgerund sensors``, ``doctor`` and ``record`` as their users run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgerund.observe.record_reader import RecordReader
from edgerund.sensors.doctor import Facts, examine
from edgerund.sensors.fake_board import FakeBoard
from edgerund.sensors.slot import ReaderStatus
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import NoData, Reading, Sense
from tests.boards import BoardFixture
from tests.waiting import wait_for

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Path]:
    fixture = BoardFixture("laptop_x86", tmp_path / "board")
    yield fixture.root
    fixture.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "edgerund", *args]
        env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "ORT_DISABLE_TELEMETRY": "1"}
        return subprocess.run(
            command, capture_output=True, text=True, env=env, check=False, timeout=60
        )

    return call


def test_sensors_shows_what_there_is_and_why_the_rest_is_not(run: Run, laptop: Path) -> None:
    done = run("sensors", "--sysroot", str(laptop))
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    assert "58" in lines["temp_c"]
    assert "/sys/class/thermal/thermal_zone2/temp" in lines["temp_c"]
    assert "no reader found it" in lines["gpu_load"]
    assert "38121.600 mWh" in lines["battery_energy_mwh"]
    assert "absent: no hwmon named ina3221" in lines["ina3221"]
    assert lines["battery.BAT0.voltage_mv"].split()[1:3] == ["11800", "mV"]
    assert "% of one core" in done.stdout
    assert done.stderr == ""


def test_sensors_as_json(run: Run, laptop: Path) -> None:
    done = run("sensors", "--sysroot", str(laptop), "--json")
    table = json.loads(done.stdout)
    senses = {s["name"]: s for s in table["senses"]}
    assert senses["power_mw"]["value"] == 14_750
    assert senses["gpu_load"] == {
        "name": "gpu_load",
        "absent": "absent",
        "detail": "no reader found it on this machine",
        "source": "",
    }
    assert {r["name"] for r in table["readers"]} >= {"thermal", "ina3221", "rapl"}
    assert all(r["wall_ms"] > 0 for r in table["readers"])


def test_sensors_leaves_raw_readings_out_if_asked(run: Run, laptop: Path) -> None:
    done = run("sensors", "--sysroot", str(laptop), "--brief")
    assert "battery.BAT0.voltage_mv" not in done.stdout
    assert "battery_percent" in done.stdout


def test_sensors_watches_until_it_is_stopped(laptop: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "edgerund",
        "sensors",
        "--sysroot",
        str(laptop),
        "--watch",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first, second = json.loads(child.stdout.readline()), json.loads(child.stdout.readline())
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == 130
    assert first["senses"]
    assert second["senses"]


def test_a_daemon_that_was_named_and_is_not_there_is_an_error(run: Run, tmp_path: Path) -> None:
    for command in (("sensors",), ("record", str(tmp_path / "r.jsonl"))):
        done = run(*command, "--runtime-dir", str(tmp_path))
        assert done.returncode == 14
        assert "cannot reach the daemon" in done.stderr


def test_record_without_a_daemon_records_the_senses(run: Run, laptop: Path, tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    done = run("record", str(file), "--sysroot", str(laptop), "--for", "1", "--every", "0.2")
    assert done.returncode == 0, done.stderr
    records = list(RecordReader(file))
    assert f"{len(records)} ticks" in done.stdout
    assert 3 <= len(records) <= 7
    sense = records[0].snapshot.senses["battery_percent"]
    assert isinstance(sense, Reading)
    assert sense.value == 76
    assert records[0].decisions == {}


def test_record_ends_well_when_it_is_stopped(laptop: Path, tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    command = [sys.executable, "-m", "edgerund", "record", str(file), "--sysroot", str(laptop)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        wait_for(lambda: file.exists() and file.stat().st_size > 4000, 20.0, "the first tick")
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
    reader = RecordReader(file)
    assert list(reader)
    assert reader.skipped == 0


@pytest.mark.parametrize("args", [("--every", "0"), ("--for", "-1"), ("--every", "nan")])
def test_record_refuses_times_that_make_no_sense(
    run: Run, tmp_path: Path, args: tuple[str, str]
) -> None:
    done = run("record", str(tmp_path / "r"), "--here", *args)
    assert done.returncode == 2
    assert "cannot record like this" in done.stderr


def test_doctor_tells_what_to_mend_and_how(run: Run, tmp_path: Path) -> None:
    fixture = BoardFixture("raspberry_pi_5", tmp_path / "board")
    done = run("doctor", "--sysroot", str(fixture.root))
    fixture.close()
    assert done.returncode == 1
    assert "!! supply: the supply's voltage is or was too low" in done.stdout
    assert "use a supply of 5 V 5 A" in done.stdout
    assert "ok temperature: 61.7 C" in done.stdout
    as_json = json.loads(run("doctor", "--sysroot", str(fixture.root), "--json").stdout)
    assert {"level", "subject", "text", "mend"} == set(as_json[0])
    assert as_json[0]["level"] == "mend"


# ------------------------------------------------------------------ the doctor's knowledge
def facts(root: Path, senses: dict[str, Sense] | None = None, **more: Any) -> Facts:
    return Facts(FileRoot(root), senses or {}, modules=frozenset({"onnxruntime"}), **more)


def mends(found: Facts) -> dict[str, str]:
    return {f.subject: f.mend for f in examine(found) if f.level == "mend"}


def test_a_healthy_board_has_nothing_to_mend(tmp_path: Path) -> None:
    FakeBoard(tmp_path)
    good: dict[str, Sense] = {
        n: Reading(n, 50.0, "", 0.0, "f") for n in ("temp_c", "power_mw", "battery_percent")
    }
    assert mends(facts(tmp_path, good)) == {}


def test_energy_that_only_root_may_read(tmp_path: Path) -> None:
    denied = NoData("rapl.package-0.power_mw", "denied", "EACCES")
    found = mends(facts(tmp_path, {denied.name: denied}))
    assert "tmpfiles" in found["power"]
    assert "energy_uj 0440 root edgerund" in found["power"]


def test_a_jetson_without_its_rails(tmp_path: Path) -> None:
    path = tmp_path / "etc/nv_tegra_release"
    path.parent.mkdir()
    path.write_text("# R36")
    assert "modprobe ina3221" in mends(facts(tmp_path))["power"]


def test_devices_that_may_not_be_opened(tmp_path: Path) -> None:
    found = mends(facts(tmp_path, denied={"/dev/ttyTHS1": "dialout"}, user="rover"))
    assert found["rights"].startswith("sudo usermod -aG dialout rover")


def test_jtop_that_is_installed_and_does_not_run(tmp_path: Path) -> None:
    installed = frozenset({"onnxruntime", "jtop"})
    notes = {f.subject: f for f in examine(Facts(FileRoot(tmp_path), {}, modules=installed))}
    assert "systemctl enable --now jtop" in notes["jtop"].mend
    (tmp_path / "run").mkdir()
    (tmp_path / "run/jtop.sock").touch()
    notes = {f.subject: f for f in examine(Facts(FileRoot(tmp_path), {}, modules=installed))}
    assert "usermod -aG jtop" in notes["jtop"].mend


def test_a_power_mode_that_is_not_the_fastest_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "etc/nvpmodel.conf"
    path.parent.mkdir()
    path.write_text("< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n")
    mode: dict[str, Sense] = {"nvpmodel.mode": Reading("nvpmodel.mode", 0.0, "id", 0.0, "f")}
    notes = {f.subject: f for f in examine(facts(tmp_path, mode))}
    assert (notes["power mode"].level, notes["power mode"].mend) == ("note", "sudo nvpmodel -m 2")


def test_no_backend_a_hung_reader_and_a_slow_one(tmp_path: Path) -> None:
    readers = (
        ReaderStatus("ina3221", "ok", "", 2.0, 10, 500.0, 1.0, 0.1),
        ReaderStatus(
            "thermal", "hung", "a read has not come back for 9.0 s", 1.0, 3, 1.0, 1.0, 9.0
        ),
    )
    found = examine(Facts(FileRoot(tmp_path), {}, readers))
    by_subject = {f.subject: f for f in found}
    assert "pip install 'edgerund[ort]'" in by_subject["engines"].mend
    assert by_subject["thermal"].level == "mend"
    assert "read every 2.0 s" in by_subject["ina3221"].text
