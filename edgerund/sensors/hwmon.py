"""Every other hwmon chip: power monitors (INA238 and its family, ACPI meters), and temperatures of chips."""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import bounded, celsius, text_or, unique
from edgerund.types import Sense

# these have readers of their own
_ELSEWHERE = ("ina3221", "soctherm_oc", "rpi_volt")
_MONITORS = re.compile(r"ina2\d\d|ina700|ina780|ltc29\d\d|adm12\d\d|power_meter")
_INPUT = re.compile(r"/(power\d+_input|power\d+_average|temp\d+_input)\Z")
_WHOLE_DEGREES = ("coretemp", "k10temp", "zenpower")
MOST_FILES = 64


class Hwmon(FileSensor):
    """``rail.<label>.power_mw`` of power monitors, ``hwmon.<chip>.<label>.{power_mw, temp_c}`` of the others.

    Chips that only repeat a thermal zone are left to the reader of zones.
    """

    period_s = 2.0

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._powers: list[tuple[str, str]] = []
        self._temps: list[tuple[str, str, bool]] = []

    def probe(self) -> str | None:
        self._powers, self._temps = [], []
        taken: set[str] = set()
        zones = {
            text_or(self._root, f).replace("-", "_")
            for f in self._root.glob("/sys/class/thermal/thermal_zone*/type")
        }
        for chip_file in self._root.glob("/sys/class/hwmon/hwmon*/name"):
            chip = text_or(self._root, chip_file)
            if chip and chip not in _ELSEWHERE and chip not in zones:
                self._chip(chip, chip_file.removesuffix("name"), taken)
        if not self._powers and not self._temps:
            return "no hwmon with a power or temperature"
        return None

    def _chip(self, chip: str, folder: str, taken: set[str]) -> None:
        files = [f for p in ("power", "temp") for f in self._root.glob(f"{folder}{p}*")]
        monitor = _MONITORS.match(chip) is not None
        for file in [f for f in files if _INPUT.search(f)][:MOST_FILES]:
            channel = file.rpartition("/")[2].rpartition("_")[0]
            label = text_or(self._root, f"{folder}{channel}_label")
            if channel.startswith("power") and monitor:
                rail = label or text_or(self._root, folder + "label") or chip
                self._powers.append((f"rail.{unique(rail, taken)}.power_mw", file))
            else:
                what = (
                    f"hwmon.{chip}.{unique(f'{chip}.{label or channel}', taken)[len(chip) + 1 :]}"
                )
                if channel.startswith("power"):
                    self._powers.append((f"{what}.power_mw", file))
                else:
                    self._temps.append((f"{what}.temp_c", file, chip in _WHOLE_DEGREES))

    def read(self) -> Iterable[Sense]:
        for name, file in self._powers:
            yield bounded(self._root, file, name, "mW", 0, 2_000_000, 1000)
        for name, file, whole in self._temps:
            yield celsius(self._root, file, name, hundred_is_true=whole)
