"""Thermal zones: ``/sys/class/thermal/thermal_zone*``, named by their type and never by their number."""

from __future__ import annotations

from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import failed, integer, text_or, unique
from edgerund.types import NoData, Reading, Sense

_LOWEST_MC, _HIGHEST_MC = -100_000, 200_000
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
            yield _zone(self._root, kind, file)


def _zone(root: SysRoot, kind: str, file: str) -> Sense:
    name = f"zone.{kind}.temp_c"
    try:
        millidegrees = integer(root, file)
    except OSError as e:
        return failed(name, e, file)
    except ValueError as e:
        return NoData(name, "garbage", str(e), file)
    lie = _lie(millidegrees, kind)
    if lie:
        return NoData(name, lie[0], lie[1], file)
    return Reading(name, millidegrees / 1000, "C", 0.0, file)


def _lie(millidegrees: int, kind: str) -> tuple[str, str] | None:
    if millidegrees <= -256_000:
        return "offline", f"{millidegrees} is how this driver says that the zone is powered down"
    if not _LOWEST_MC <= millidegrees <= _HIGHEST_MC:
        return "range", f"{millidegrees} m°C is no temperature of a board"
    if millidegrees == 100_000 and not kind.startswith(_WHOLE_DEGREES):
        return "range", "100000 is what a zone without a sensor reports"
    if millidegrees == 0:
        return "range", "0 is what a zone without a sensor reports"
    if 0 < abs(millidegrees) <= 200:
        return "range", f"{millidegrees} looks like degrees where thousandths are due"
    return None
