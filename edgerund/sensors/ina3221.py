"""INA3221 power monitors through hwmon (mainline driver, JetPack 5 and later): one rail per labelled channel."""

from __future__ import annotations

from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import bounded, text_or, unique
from edgerund.types import NoData, Reading, Sense

_CHANNELS = (1, 2, 3)  # in4..in7 are shunt voltages in microvolts, curr4 a sum: not rails
_HIGHEST_MV, _HIGHEST_MA = 30_000, 200_000  # the chip ends at 26 V


class Ina3221(FileSensor):
    """``rail.<label>.{voltage_mv, current_ma, power_mw}``; power is voltage x current (the driver has none).

    One ``_input`` read waits for the chip's conversion (7 ms and more), so a round of three rails takes
    20 to 40 ms of waiting.
    """

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._rails: list[tuple[str, str, str]] = []

    def probe(self) -> str | None:
        taken: set[str] = set()
        self._rails = []
        for chip in self._root.glob("/sys/class/hwmon/hwmon*/name"):
            if text_or(self._root, chip) == "ina3221":
                folder = chip.removesuffix("name")
                self._rails += self._channels(folder, taken)
        return None if self._rails else "no hwmon named ina3221 with a labelled channel"

    def _channels(self, folder: str, taken: set[str]) -> list[tuple[str, str, str]]:
        found = []
        for n in _CHANNELS:
            label = text_or(self._root, f"{folder}in{n}_label")
            disabled = text_or(self._root, f"{folder}in{n}_enable", "1") == "0"
            if label and "NC" not in label and not disabled:
                rail = unique(label, taken)
                found.append((rail, f"{folder}in{n}_input", f"{folder}curr{n}_input"))
        return found

    def read(self) -> Iterable[Sense]:
        for rail, volts, amps in self._rails:
            yield from _rail(self._root, rail, volts, amps)


def _rail(root: SysRoot, rail: str, volts: str, amps: str) -> list[Sense]:
    voltage = bounded(root, volts, f"rail.{rail}.voltage_mv", "mV", 300, _HIGHEST_MV)
    current = bounded(root, amps, f"rail.{rail}.current_ma", "mA", -_HIGHEST_MA, _HIGHEST_MA)
    name = f"rail.{rail}.power_mw"
    for part in (voltage, current):
        if isinstance(part, NoData):
            lost = NoData(name, part.reason, f"{part.name}: {part.detail}", part.source)
            return [voltage, current, lost]
    assert isinstance(voltage, Reading)
    assert isinstance(current, Reading)
    # a shunt read slightly below zero is an idle rail, not a rail that feeds the board
    power_mw = max(0.0, voltage.value * current.value / 1000)
    return [voltage, current, Reading(name, power_mw, "mW", 0.0, amps)]
