"""Over-current and under-voltage counters of Orin (hwmon ``soctherm_oc``): the earliest sign of throttling."""

from __future__ import annotations

from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import bounded, text_or
from edgerund.types import NoData, Reading, Sense

# 1 under-voltage, 2 average over-current, 3 instantaneous over-current
_COUNTERS = (1, 2, 3)
ALARM_PER_S = 0.5
"""A single event is a spike; boards under a power limit count several a second."""


class SocTherm(FileSensor):
    """``soctherm.oc<n>.events`` since boot, and ``throttle.soctherm_oc<n>.active`` while they come fast."""

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._files: list[tuple[int, str]] = []
        self._before: dict[int, tuple[float, float]] = {}

    def probe(self) -> str | None:
        self._files = []
        for chip in self._root.glob("/sys/class/hwmon/hwmon*/name"):
            if text_or(self._root, chip) == "soctherm_oc":
                folder = chip.removesuffix("name")
                files = [(n, f"{folder}oc{n}_event_cnt") for n in _COUNTERS]
                self._files += [(n, f) for n, f in files if self._root.path(f).exists()]
        return None if self._files else "no hwmon named soctherm_oc"

    def read(self) -> Iterable[Sense]:
        now_s = self._clock.monotonic_s()
        for n, file in self._files:
            events = bounded(self._root, file, f"soctherm.oc{n}.events", "1", 0, 2**63)
            yield events
            yield self._sign(n, events, now_s)

    def _sign(self, n: int, events: Sense, now_s: float) -> Sense:
        name = f"throttle.soctherm_oc{n}.active"
        if isinstance(events, NoData):
            self._before.pop(n, None)
            return NoData(name, events.reason, events.detail, events.source)
        before = self._before.get(n)
        self._before[n] = (now_s, events.value)
        if before is None or now_s <= before[0]:
            return NoData(name, "waiting", "a rate needs two rounds", events.source)
        rate = (events.value - before[1]) / (now_s - before[0])
        return Reading(name, float(rate > ALARM_PER_S), "bool", 0.0, events.source, "derived")
