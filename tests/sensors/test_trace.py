"""Twenty minutes of a real AGX Orin under load, replayed through the readers: nothing is lost, nothing invented."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from edgerund.clock import ManualClock
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import NoData, Reading
from tests.sensors.cases import write
from tests.shared_data import shared

RAILS = {
    "VDD_GPU_SOC": ("hwmon2", 1),
    "VDD_CPU_CV": ("hwmon2", 2),
    "VIN_SYS_5V0": ("hwmon2", 3),
    "VDDQ_VDD2_1V8AO": ("hwmon5", 2),
}
GPU = "/sys/class/devfreq/17000000.ga10b"


class Replay:
    """The trace's columns as files of the board that it was taken on."""

    def __init__(self, root: Path, rows: list[dict[str, str]]) -> None:
        self.root, self.rows = root, rows
        self.open: dict[str, int] = {}
        self.zones = [c.removesuffix("-CURR_TEMP") for c in rows[0] if c.endswith("-CURR_TEMP")]
        self.cores = sum(c.endswith("-CURR_LOAD") and c.startswith("CPU") for c in rows[0])
        self.busy = self.idle = 0.0
        for n, zone in enumerate(self.zones):
            write(root, f"/sys/class/thermal/thermal_zone{n}/type", zone)
        for label, (chip, channel) in RAILS.items():
            write(root, f"/sys/class/hwmon/{chip}/name", "ina3221")
            write(root, f"/sys/class/hwmon/{chip}/in{channel}_label", label)
        for channel in (1, 3):
            write(root, f"/sys/class/hwmon/hwmon5/in{channel}_label", "NC")
        for file, text in (
            ("cur_freq", "1"),
            ("max_freq", "1300500000"),
            ("device/of_node/name", "ga10b"),
        ):
            write(root, f"{GPU}/{file}", text)

    def write(self, name: str, text: str) -> None:
        if name not in self.open:
            write(self.root, name, "")
            self.open[name] = os.open(self.root / name.lstrip("/"), os.O_WRONLY)
        data = text.encode() + b"\n"
        os.pwrite(self.open[name], data, 0)
        os.ftruncate(self.open[name], len(data))

    def close(self) -> None:
        for fd in self.open.values():
            os.close(fd)

    def put(self, row: dict[str, str]) -> None:
        for n, zone in enumerate(self.zones):
            value = float(row[f"{zone}-CURR_TEMP"])
            raw = int(value) if value <= -256_000 else round(value * 1000)
            self.write(f"/sys/class/thermal/thermal_zone{n}/temp", str(raw))
        for label, (chip, channel) in RAILS.items():
            folder = f"/sys/class/hwmon/{chip}"
            self.write(f"{folder}/in{channel}_input", row[f"{label}-IN_VOLTAGE"])
            self.write(f"{folder}/curr{channel}_input", row[f"{label}-IN_CURRENT"])
        load = sum(float(row[f"CPU{i}-CURR_LOAD"]) for i in range(self.cores)) / self.cores
        self.busy, self.idle = self.busy + 12 * load, self.idle + 12 * (100 - load)
        self.write("/proc/stat", f"cpu  {self.busy:.0f} 0 0 {self.idle:.0f} 0 0 0 0 0 0")
        self.write(f"{GPU}/device/load", str(10 * int(row["IGPU0-CURR_LOAD"])))
        self.write(f"{GPU}/cur_freq", str(int(float(row["IGPU0-CURR_FREQ"]) * 1e6)))


def test_the_recorded_board_reads_back_as_it_was(tmp_path: Path) -> None:
    with shared("traces/agx_orin_jtop_1hz_20min.csv").open(encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    assert len(rows) == 1200
    board = Replay(tmp_path, rows)
    clock = ManualClock()
    hub = SensorHub(FileRoot(tmp_path), clock, ["thermal", "ina3221", "load", "devfreq"])
    total_mj = last_mw = 0.0
    same = 0
    for n, row in enumerate(rows):
        board.put(row)
        hub.poll_due()
        senses = hub.senses()
        warm: list[float] = []
        for zone in board.zones:
            sense, told = senses[f"zone.{zone}.temp_c"], float(row[f"{zone}-CURR_TEMP"])
            if told <= -256_000:
                assert isinstance(sense, NoData), (n, zone, sense)
                assert sense.reason == "offline"
            else:
                assert isinstance(sense, Reading), (n, zone, sense)
                assert sense.value == told
                warm.append(told)
        total_mw = 0.0
        for label in RAILS:
            parts = [senses[f"rail.{label}.{q}"] for q in ("voltage_mv", "current_ma", "power_mw")]
            values = [p.value for p in parts if isinstance(p, Reading)]
            assert len(values) == 3, (n, label, parts)
            assert values[:2] == [float(row[f"{label}-{c}"]) for c in ("IN_VOLTAGE", "IN_CURRENT")]
            assert values[2] == values[0] * values[1] / 1000
            # the recorder read power, voltage and current at three moments: mostly, the same sample
            same += int(values[2]) == int(row[f"{label}-IN_POWER"])
            total_mw += values[2]
        temp, power, gpu = (senses[k] for k in ("temp_c", "power_mw", "gpu_load"))
        assert isinstance(temp, Reading)
        assert isinstance(power, Reading)
        assert isinstance(gpu, Reading)
        assert temp.value == max(warm)
        assert abs(power.value - total_mw) < 1e-6
        assert gpu.value == int(row["IGPU0-CURR_LOAD"]) / 100
        if n:
            total_mj += (power.value + last_mw) / 2
        last_mw = power.value
        clock.advance(1.0)
    energy = hub.senses()["energy_mj"]
    assert isinstance(energy, Reading)
    assert abs(energy.value - total_mj) < 1.0
    assert same / (1200 * len(RAILS)) > 0.95
    board.close()
