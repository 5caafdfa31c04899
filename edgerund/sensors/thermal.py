"""Thermal zones: ``/sys/class/thermal/thermal_zone*``, named by their type and never by their number."""

from __future__ import annotations

from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import celsius, text_or, unique
from edgerund.types import Sense

# on these, a whole 100 degrees is a temperature like any other: they count in whole degrees and throttle there
_WHOLE_DEGREES = ("x86_pkg_temp", "acpitz", "TCPU")


class ThermalZones(FileSensor):
    """One ``zone.<type>.temp_c`` per zone. PMIC zones are left out: they read 100 C for ever."""

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._zones: list[tuple[str, str]] = []

    def probe(self) -> str | None:
        taken: set[str] = set()
        self._zones = []
        for file in self._root.glob("/sys/class/thermal/thermal_zone*/type"):
            kind = text_or(self._root, file)
            if kind and "PMIC" not in kind.upper():
                temp = file.removesuffix("type") + "temp"
                self._zones.append((unique(kind, taken), temp))
        return None if self._zones else "no thermal zone in /sys/class/thermal"

    def read(self) -> Iterable[Sense]:
        for kind, file in self._zones:
            sure = kind.startswith(_WHOLE_DEGREES)
            yield celsius(self._root, file, f"zone.{kind}.temp_c", hundred_is_true=sure)
