"""Memory: ``/proc/meminfo`` and pressure stall information. On a Jetson it is the GPU's memory too."""

from __future__ import annotations

from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import failed, sense, shown
from edgerund.types import Sense

_MEMINFO = "/proc/meminfo"
_PRESSURE = "/proc/pressure/memory"
_FIELDS = {"MemTotal": "memory.total_bytes", "MemAvailable": "memory.available_bytes"}


class Memory(FileSensor):
    """``memory.total_bytes``, ``memory.available_bytes``, and ``memory.{some,full}_avg10`` in percent of time."""

    period_s = 2.0

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)

    def probe(self) -> str | None:
        return None if self._root.path(_MEMINFO).exists() else f"no {_MEMINFO}"

    def read(self) -> Iterable[Sense]:
        yield from self._meminfo()
        yield from self._pressure()

    def _meminfo(self) -> list[Sense]:
        try:
            lines = self._root.read(_MEMINFO, limit=16384).splitlines()
        except OSError as e:
            return [failed(name, e, _MEMINFO) for name in _FIELDS.values()]
        table = {key: rest for key, _, rest in (line.partition(":") for line in lines)}
        return [
            sense(name, "B", _MEMINFO, lambda k=key: _kib(table, k) * 1024)  # type: ignore[misc]
            for key, name in _FIELDS.items()
        ]

    def _pressure(self) -> list[Sense]:
        names = {kind: f"memory.{kind}_avg10" for kind in ("some", "full")}
        try:
            lines = self._root.read(_PRESSURE).splitlines()
        except OSError as e:
            return [failed(name, e, _PRESSURE) for name in names.values()]
        return [
            sense(name, "%", _PRESSURE, lambda k=kind: avg10(lines, k))  # type: ignore[misc]
            for kind, name in names.items()
        ]


def _kib(table: dict[str, str], key: str) -> int:
    number, _, unit = table.get(key, "").strip().partition(" ")
    if not number.isdecimal() or unit != "kB" or len(number) > 12:
        raise ValueError(f"no line '{key}: <number> kB'")
    if not int(number):
        raise ValueError(f"{key} is 0")
    return int(number)


def avg10(lines: list[str], kind: str) -> float:
    """The ten-second average of one PSI line, 0 to 100. Raises ValueError if it is not there."""
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] == kind and words[1].startswith("avg10="):
            value = float(words[1].removeprefix("avg10="))
            if not 0 <= value <= 100:
                raise ValueError(f"{value} is no percentage")
            return value
    raise ValueError(f"no line '{kind} avg10=': {shown(' '.join(lines))}")
