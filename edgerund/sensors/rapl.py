"""Processor energy counters of x86 (RAPL, Intel and AMD): ``/sys/class/powercap/intel-rapl:*``."""

from __future__ import annotations

from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import failed, integer, text_or, unique
from edgerund.types import NoData, Reading, Sense

_HIGHEST_MW = 5_000_000


class Rapl(FileSensor):
    """``rapl.<zone>.power_mw``: the energy since the last round over the time, the counter's wrap undone.

    ``energy_uj`` belongs to root since CVE-2020-8694: ``denied`` without CAP_DAC_READ_SEARCH or a udev rule.
    """

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._zones: list[tuple[str, str, int]] = []
        self._before: dict[str, tuple[float, int]] = {}

    def probe(self) -> str | None:
        taken: set[str] = set()
        self._zones = []
        parents: dict[str, str] = {}
        for file in self._root.glob("/sys/class/powercap/intel-rapl:*/name"):
            folder = file.removesuffix("name")
            number = folder.rstrip("/").partition("intel-rapl:")[2]
            parent = parents.get(number.rpartition(":")[0], "")
            zone = unique(f"{parent}_{text_or(self._root, file)}".strip("_"), taken)
            parents[number] = zone
            wrap = text_or(self._root, folder + "max_energy_range_uj", "0")
            self._zones.append((zone, folder + "energy_uj", int(wrap) if wrap.isdecimal() else 0))
        return None if self._zones else "no intel-rapl in /sys/class/powercap"

    def read(self) -> Iterable[Sense]:
        for zone, file, wrap in self._zones:
            yield self._power(zone, file, wrap)

    def _power(self, zone: str, file: str, wrap_uj: int) -> Sense:
        name = f"rapl.{zone}.power_mw"
        before = self._before.pop(file, None)
        try:
            now_s, energy_uj = self._clock.monotonic_s(), integer(self._root, file)
        except OSError as e:
            return failed(name, e, file)
        except ValueError as e:
            return NoData(name, "garbage", str(e), file)
        if energy_uj < 0 or 0 < wrap_uj < energy_uj:
            return NoData(name, "range", f"{energy_uj} uJ is outside 0 to {wrap_uj}", file)
        self._before[file] = (now_s, energy_uj)
        if before is None or now_s - before[0] < 1e-3:
            return NoData(name, "waiting", "a power needs two rounds", file)
        delta_uj = energy_uj - before[1]
        if delta_uj < 0:
            delta_uj += wrap_uj
        if delta_uj == 0 and zone.startswith("package") and "_" not in zone:
            return NoData(name, "frozen", "a running processor's counter stands still", file)
        power_mw = delta_uj / 1000 / (now_s - before[0])
        if not 0 <= power_mw <= _HIGHEST_MW:
            return NoData(name, "range", f"{power_mw:.0f} mW is no power of a processor", file)
        return Reading(name, power_mw, "mW", 0.0, file, "derived")
