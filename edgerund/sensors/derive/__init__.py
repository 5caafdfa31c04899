"""Derived senses: what policies speak of, from whatever readings there are. Pure; the time is an argument.

The list of names stands in ``types/snapshot.py``. Each derived sense is as old as its oldest input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edgerund.sensors.derive.battery import battery_senses
from edgerund.sensors.derive.battery_frozen import FrozenGauges
from edgerund.sensors.derive.battery_left import BatteryLeft
from edgerund.sensors.derive.heat import hottest
from edgerund.sensors.derive.power import EnergyMeter, total_power
from edgerund.sensors.derive.throttle import throttled
from edgerund.types import NoData, Reading, Sense

_COPIES = {
    "memory_available_bytes": ("memory.available_bytes", "jtop.memory.available_bytes"),
    "memory_pressure": ("memory.some_avg10",),
    "cpu_load": ("cpu.load", "jtop.cpu.load"),
}


class Derivation:
    """Holds the estimators between two rounds. ``total_rails`` overrides the choice of rails for ``power_mw``."""

    def __init__(self, total_rails: Iterable[str] = ()) -> None:
        self._total_rails = tuple(total_rails)
        self._energy = EnergyMeter()
        self._left = BatteryLeft()
        self._gauges = FrozenGauges()

    def derive(self, raw: Mapping[str, Sense], now_s: float) -> dict[str, Sense]:
        """Every derived sense, each a Reading or a NoData, and the raw ones that turned out to be lies.

        Calling it twice for one instant changes nothing.
        """
        lies = self._gauges.check(raw, now_s)
        raw = {**raw, **lies}
        power = total_power(raw, self._total_rails)
        found = [
            hottest(raw),
            power,
            self._energy.add(power, now_s),
            throttled(raw),
            _gpu_load(raw),
            *battery_senses(raw),
            *self._left.derive(raw, now_s),
            *(_copy(raw, name, sources) for name, sources in _COPIES.items()),
        ]
        return {**lies, **{s.name: s for s in found}}


def _copy(raw: Mapping[str, Sense], name: str, sources: tuple[str, ...]) -> Sense:
    lost: NoData | None = None
    for source in sources:
        sense = raw.get(source)
        if isinstance(sense, Reading):
            quality = sense.quality
            return Reading(name, sense.value, sense.unit, sense.age_s, sense.source, quality)
        lost = lost or sense
    if lost is not None:
        return NoData(name, lost.reason, f"{lost.name}: {lost.detail}", lost.source)
    return NoData(name, "absent", "no reader found it on this machine")


def _gpu_load(raw: Mapping[str, Sense]) -> Sense:
    loads = [s for n, s in raw.items() if n.startswith("gpu.") and n.endswith(".load")]
    valid = [s for s in loads if isinstance(s, Reading)]
    if not valid:
        return _copy(raw, "gpu_load", tuple(s.name for s in loads))
    most = max(valid, key=lambda s: s.value)
    return Reading("gpu_load", most.value, most.unit, most.age_s, most.source, most.quality)
