"""Processor clocks, and two signs of throttling: a ceiling that came down, and x86's own throttle counters."""

from __future__ import annotations

from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import bounded
from edgerund.types import NoData, Reading, Sense

_POLICIES = "/sys/devices/system/cpu/cpufreq/policy*/scaling_cur_freq"
_COUNTS = "/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count"
NEW_NORMAL_S = 600.0
"""A lower ceiling that stays for so long is a setting (a power mode), not heat."""
MOST_CORES = 16


class CpuFreq(FileSensor):
    """``cpu.<policy>.{freq_mhz, max_mhz}``, ``throttle.cpu_ceiling.active``, ``throttle.x86_thermal.active``."""

    period_s = 2.0

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._policies: list[tuple[str, str]] = []
        self._counts: list[str] = []
        self._ceilings: dict[str, _Ceiling] = {}
        self._count: int | None = None

    def probe(self) -> str | None:
        names = [f.removesuffix("scaling_cur_freq") for f in self._root.glob(_POLICIES)]
        self._policies = [(n.rstrip("/").rpartition("/")[2], n) for n in names]
        self._counts = list(self._root.glob(_COUNTS))[:MOST_CORES]
        return None if self._policies or self._counts else "no cpufreq policy"

    def read(self) -> Iterable[Sense]:
        now_s = self._clock.monotonic_s()
        ceilings: list[Sense] = []
        for policy, folder in self._policies:
            yield self._mhz(f"cpu.{policy}.freq_mhz", folder + "scaling_cur_freq")
            ceilings.append(self._mhz(f"cpu.{policy}.max_mhz", folder + "scaling_max_freq"))
        yield from ceilings
        if ceilings:
            yield self._ceiling_sign(ceilings, now_s)
        if self._counts:
            yield self._count_sign()

    def _mhz(self, name: str, file: str) -> Sense:
        return bounded(self._root, file, name, "MHz", 1, 20_000, 1000)

    def _ceiling_sign(self, ceilings: list[Sense], now_s: float) -> Sense:
        name = "throttle.cpu_ceiling.active"
        valid = [c for c in ceilings if isinstance(c, Reading)]
        if not valid:
            lost = ceilings[0]
            assert isinstance(lost, NoData)
            return NoData(name, lost.reason, lost.detail, lost.source)
        low = [
            c for c in valid if self._ceilings.setdefault(c.name, _Ceiling()).low(c.value, now_s)
        ]
        source = (low or valid)[0].source
        return Reading(name, float(bool(low)), "bool", 0.0, source, "derived")

    def _count_sign(self) -> Sense:
        name, source = "throttle.x86_thermal.active", self._counts[0]
        total = 0.0
        for file in self._counts:
            count = bounded(self._root, file, name, "bool", 0, 2**62)
            if isinstance(count, NoData):
                self._count = None
                return count
            total += count.value
        before, self._count = self._count, int(total)
        if before is None:
            return NoData(name, "waiting", "a change needs two rounds", source)
        return Reading(name, float(total > before), "bool", 0.0, source, "derived")


class _Ceiling:
    """The highest clock that a policy was allowed, until a lower one has become normal."""

    def __init__(self) -> None:
        self._normal = self._last = 0.0
        self._since_s = 0.0

    def low(self, value: float, now_s: float) -> bool:
        if value != self._last:
            self._last, self._since_s = value, now_s
        if value > self._normal or now_s - self._since_s >= NEW_NORMAL_S:
            self._normal = value
        return value < self._normal
