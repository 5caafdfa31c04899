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


class Load(FileSensor):
    """``cpu.load`` (0..1 over all cores) and ``cpu.loadavg_1min``."""

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._before = (0, 0)
        self._share: tuple[float, float] | None = None

    def probe(self) -> str | None:
        return None if self._root.path(_STAT).exists() else f"no {_STAT}"

    def read(self) -> Iterable[Sense]:
        yield self._load()
        yield sense("cpu.loadavg_1min", "1", _LOADAVG, lambda: _loadavg(self._root.read(_LOADAVG)))

    def _load(self) -> Sense:
        try:
            # the interrupt counters make this file long on machines with many cores
            now = _counters(self._root.read(_STAT, limit=1_000_000))
        except OSError as e:
            return failed(_NAME, e, _STAT)
        except ValueError as e:
            return NoData(_NAME, "garbage", str(e), _STAT)
        now_s = self._clock.monotonic_s()
        busy, total = now[0] - self._before[0], now[1] - self._before[1]
        if total > 0 and 0 <= busy <= total and self._before[1]:
            self._share = (now_s, busy / total)
        if total:
            self._before = now
        if self._share is None:
            return NoData(_NAME, "waiting", "a share needs two rounds", _STAT)
        at_s, share = self._share
        return Reading(_NAME, share, "1", now_s - at_s, _STAT)


def _counters(text: str) -> tuple[int, int]:
    """Busy and total jiffies. Waiting for a disk counts as idle; guest time is already in user time."""
    words = text.partition("\n")[0].split()
    if len(words) < 6 or words[0] != "cpu" or not all(w.isdecimal() for w in words[1:9]):
        raise ValueError(f"no line 'cpu <numbers>': {shown(text)}")
    counts = [int(w) for w in words[1:9]]
    total = sum(counts)
    return total - counts[3] - counts[4], total


def _loadavg(text: str) -> float:
    value = float(text.partition(" ")[0])
    if not 0 <= value < 100_000:
        raise ValueError(f"{value} is no load average")
    return value
