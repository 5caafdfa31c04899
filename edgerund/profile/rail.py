"""The power of this board while something is measured: the best rail that the sensors know, read often."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from edgerund.clock import Clock
from edgerund.errors import PluginError
from edgerund.ports import SysRoot
from edgerund.sensors.hub import SensorHub
from edgerund.types import NoData, Reading

PERIOD_S = 0.1
GAUGE_WINDOW_S = 60.0
LONGEST_START_S = 5.0
_LOOK_S = 0.02
READERS = ("hwmon", "ina3221", "ina3221x", "nvml", "power_supply", "rapl")
_GAUGES = ("/power_supply/",)


@dataclass(slots=True)
class Rail:
    """The rail behind the sense ``power_mw``. ``lost`` says why, once it stopped telling anything."""

    hub: SensorHub
    source: str
    shortest_window_s: float
    lost: str | None = None
    _last_s: float = field(default=0.0)

    def mean_mw(self, seconds: float, clock: Clock) -> float | None:
        """The mean of its fresh readings during the next ``seconds``, the first moment left out; None: it told none.

        What a monitor tells is the mean of the moment before: the first period belongs to what went on until now.
        """
        start_s = clock.monotonic_s()
        settled_s = start_s + min(2 * PERIOD_S, seconds / 3)
        values: list[float] = []
        seen_s = settled_s
        while (now_s := clock.monotonic_s()) < start_s + seconds:
            sense = self.hub.senses()["power_mw"]
            if isinstance(sense, Reading):
                at_s = now_s - sense.age_s
                if at_s > seen_s + PERIOD_S / 4:
                    values.append(sense.value)
                    seen_s = at_s
            time.sleep(_LOOK_S)
        if values:
            self.lost = None
            return sum(values) / len(values)
        sense = self.hub.senses()["power_mw"]
        self.lost = f"{self.source} told nothing new for {seconds:.1f} s"
        if isinstance(sense, NoData):
            self.lost = f"{self.source} was lost: {sense.detail or sense.reason}"
        return None


@contextmanager
def open_rail(
    root: SysRoot, clock: Clock, total_rails: tuple[str, ...] = ()
) -> Iterator[Rail | str]:
    """The rail, or one sentence why there is none."""
    try:
        hub = SensorHub(root, clock, READERS, _options(total_rails))
    except PluginError as e:
        yield str(e)
        return
    hub.start()
    try:
        yield _first(hub, clock)
    finally:
        hub.stop()


def _options(total_rails: tuple[str, ...]) -> dict[str, dict[str, object]]:
    options: dict[str, dict[str, object]] = {name: {"period_s": PERIOD_S} for name in READERS}
    options["derive"] = {"total_rails": total_rails}
    return options


def _first(hub: SensorHub, clock: Clock) -> Rail | str:
    end_s = clock.monotonic_s() + LONGEST_START_S
    while True:
        sense = hub.senses()["power_mw"]
        if isinstance(sense, Reading):
            slow = any(part in sense.source for part in _GAUGES)
            return Rail(hub, sense.source, GAUGE_WINDOW_S if slow else 20 * PERIOD_S)
        if clock.monotonic_s() > end_s or (hub.settled() and sense.reason != "waiting"):
            return sense.detail or sense.reason
        time.sleep(_LOOK_S)
