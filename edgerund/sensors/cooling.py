"""Cooling devices: ``/sys/class/thermal/cooling_device*``. A processor that cools itself is one that throttles."""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import bounded, text_or, unique
from edgerund.types import NoData, Reading, Sense

# the device slows a processor down; fans, displays, modems and x86's offset setting do not
_SLOWS = re.compile(r"cpufreq|devfreq|throttle|-balanced|^Processor|powerclamp", re.IGNORECASE)


class CoolingDevices(FileSensor):
    """``cooling.<type>.state``, and ``throttle.cooling_<type>.active`` for those that slow a processor."""

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._devices: list[tuple[str, str, float]] = []

    def probe(self) -> str | None:
        taken: set[str] = set()
        self._devices = []
        for file in self._root.glob("/sys/class/thermal/cooling_device*/type"):
            folder = file.removesuffix("type")
            highest = text_or(self._root, folder + "max_state", "0")
            # a device without states can say nothing
            if highest.isdecimal() and 0 < int(highest) <= 1_000_000:
                kind = unique(text_or(self._root, file), taken)
                self._devices.append((kind, folder + "cur_state", float(highest)))
        return None if self._devices else "no cooling device in /sys/class/thermal"

    def read(self) -> Iterable[Sense]:
        for kind, file, highest in self._devices:
            # intel_powerclamp says -1 while it does nothing
            state = bounded(self._root, file, f"cooling.{kind}.state", "1", -1, highest)
            yield state
            if _SLOWS.search(kind):
                yield _sign(kind, state)


def _sign(kind: str, state: Sense) -> Sense:
    name = f"throttle.cooling_{kind}.active"
    if isinstance(state, NoData):
        return NoData(name, state.reason, state.detail, state.source)
    return Reading(name, float(state.value > 0), "bool", 0.0, state.source, "derived")
