"""Processor load from ``/proc/stat`` (busy share since the last round) and ``/proc/loadavg``."""

from __future__ import annotations

from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import failed, sense, shown
from edgerund.types import NoData, Reading, Sense

_STAT = "/proc/stat"
_LOADAVG = "/proc/loadavg"
_NAME = "cpu.load"


MOST_CORES = 64


class Load(FileSensor):
    """``cpu.load`` (0..1 over all cores), ``cpu.core<n>.load`` of each, ``cpu.loadavg_1min``."""

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._before: dict[str, tuple[int, int]] = {}
        self._shares: dict[str, tuple[float, float]] = {}

    def probe(self) -> str | None:
        return None if self._root.path(_STAT).exists() else f"no {_STAT}"

    def read(self) -> Iterable[Sense]:
        yield from self._loads()
        yield sense("cpu.loadavg_1min", "1", _LOADAVG, lambda: _loadavg(self._root.read(_LOADAVG)))

    def _loads(self) -> list[Sense]:
        try:
            # the interrupt counters make this file long on machines with many cores
            now = _counters(self._root.read(_STAT, limit=1_000_000))
        except OSError as e:
            return [failed(_NAME, e, _STAT)]
        except ValueError as e:
            return [NoData(_NAME, "garbage", str(e), _STAT)]
        now_s = self._clock.monotonic_s()
        return [self._share(name, counts, now_s) for name, counts in now.items()]

    def _share(self, name: str, now: tuple[int, int], now_s: float) -> Sense:
        before = self._before.get(name)
        if before != now:
            self._before[name] = now
        if before is not None and 0 <= now[0] - before[0] <= now[1] - before[1] > 0:
            self._shares[name] = (now_s, (now[0] - before[0]) / (now[1] - before[1]))
        if name not in self._shares:
            return NoData(name, "waiting", "a share needs two rounds", _STAT)
        at_s, share = self._shares[name]
        return Reading(name, share, "1", now_s - at_s, _STAT)


def _counters(text: str) -> dict[str, tuple[int, int]]:
    """Busy and total jiffies. Waiting for a disk counts as idle; guest time is already in user time."""
    found: dict[str, tuple[int, int]] = {}
    for line in text.splitlines()[: MOST_CORES + 1]:
        words = line.split()
        if not words or not words[0].startswith("cpu"):
            break
        if len(words) < 6 or not all(w.isdecimal() and len(w) < 20 for w in words[1:9]):
            raise ValueError(f"not a line of counters: {shown(line)}")
        counts = [int(w) for w in words[1:9]]
        core = words[0].removeprefix("cpu")
        name = f"cpu.core{core}.load" if core else _NAME
        found[name] = (sum(counts) - counts[3] - counts[4], sum(counts))
    if _NAME not in found:
        raise ValueError(f"no line 'cpu <numbers>': {shown(text)}")
    return found


def _loadavg(text: str) -> float:
    value = float(text.partition(" ")[0])
    if not 0 <= value < 100_000:
        raise ValueError(f"{value} is no load average")
    return value
