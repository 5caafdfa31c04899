"""What each sense says now: a usable value, a value of a moment ago, lost, or never there at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from edgerund.types import NoData, Reading, Sense

Kind: TypeAlias = Literal["fresh", "aged", "lost", "absent"]

# Outside of these a value is a broken sensor, not a hot or empty device (kernel drivers report -274 and 127).
RANGES: Mapping[str, tuple[float, float]] = {
    "temp_c": (-60.0, 150.0),
    "power_mw": (0.0, 10_000_000.0),
    "percent": (0.0, 100.0),
    "left_s": (0.0, 1e9),
    "energy_mwh": (0.0, 1e10),
}


class SenseMemory(NamedTuple):
    """The last good value, when it was true, and since when it has not moved."""

    value: float | None
    at_s: float
    steady_since_s: float


class Sensed(NamedTuple):
    """One sense at this tick.

    ``fresh``: read less than 2 s ago. ``aged``: older, or missing for a moment (``value`` is the last good
    one). ``lost``: it was there, and has been gone for the policy's ``stale_after_s``. ``absent``: never seen.
    ``news``: a value that was not seen before, and is no longer fresh. ``old``: what a reading says that is older
    than the policy accepts.
    """

    name: str
    kind: Kind
    value: float | None = None
    age_s: float = 0.0
    detail: str = ""
    news: float | None = None
    old: float | None = None

    @property
    def usable(self) -> bool:
        """There is a value to work with."""
        return self.kind in ("fresh", "aged")


FRESH_S = 2.0
NEXT_S = 1.0  # what is gone counts as lost a decision early: at the next one it would be too late
ABSENT = "absent"
THERE = (
    "stale",
    "frozen",
    "range",
    "step",
    "hung",
    "garbage",
)  # reasons that only hardware can give


def sense(
    name: str, reading: Sense | None, memory: SenseMemory | None, now_s: float, stale_after_s: float
) -> tuple[Sensed, SenseMemory | None]:
    """Judge one reading; returns it with the memory for the next tick."""
    if memory is None and (
        reading is None or (type(reading) is NoData and reading.reason == ABSENT)
    ):
        return _absent(name), None
    low, high = _range(name)
    if isinstance(reading, Reading) and low <= reading.value <= high:  # false for NaN
        value, age_s = reading.value, reading.age_s
        if not 0.0 <= age_s < math.inf:
            age_s = 0.0 if -math.inf < age_s < 0.0 else math.inf
        if age_s <= stale_after_s:
            after = _remember(memory, value, now_s - age_s)
            if age_s <= FRESH_S:
                return Sensed(name, "fresh", value, age_s), after
            return Sensed(name, "aged", value, age_s, "", _news(memory, reading)), after
        return _too_old(name, reading, memory, now_s, age_s, stale_after_s)
    if isinstance(reading, Reading):
        detail = f"{name} reads {reading.value:g}, which cannot be"
        memory = memory or SenseMemory(None, now_s - stale_after_s - 1.0, now_s)
    elif isinstance(reading, NoData) and reading.reason != ABSENT:
        detail = f"{name} has no value ({reading.detail or reading.reason})"
        if memory is None and reading.reason in THERE:
            memory = SenseMemory(None, now_s - stale_after_s - 1.0, now_s)
    else:
        detail = f"{name} is gone"
    return _missing(name, detail, memory, now_s, stale_after_s), memory


def sense_all(
    names: Iterable[str],
    readings: Mapping[str, Sense],
    memories: Mapping[str, SenseMemory],
    now_s: float,
    stale_after_s: float,
) -> tuple[dict[str, Sensed], dict[str, SenseMemory]]:
    """Judge every sense that the policy needs."""
    sensed: dict[str, Sensed] = {}
    kept: dict[str, SenseMemory] = {}
    for name in names:
        sensed[name], memory = sense(
            name, readings.get(name), memories.get(name), now_s, stale_after_s
        )
        if memory is not None:
            kept[name] = memory
    return sensed, kept


def _too_old(
    name: str,
    reading: Reading,
    memory: SenseMemory | None,
    now_s: float,
    age_s: float,
    stale_after_s: float,
) -> tuple[Sensed, SenseMemory]:
    """A reading older than the policy accepts: what it says is remembered, but not as if it were younger."""
    news = _news(memory, reading)
    if memory is None:
        memory = SenseMemory(reading.value, now_s - age_s if age_s < 1e9 else now_s - 1e9, now_s)
    else:
        memory = memory._replace(value=reading.value)
    found = _missing(name, f"{name} is {age_s:.0f} s old", memory, now_s, stale_after_s)
    return found._replace(news=news, old=reading.value), memory


def _news(memory: SenseMemory | None, reading: Reading) -> float | None:
    return reading.value if memory is None or memory.value != reading.value else None


def _missing(
    name: str, detail: str, memory: SenseMemory | None, now_s: float, stale_after_s: float
) -> Sensed:
    if memory is None:
        return _absent(name)
    age_s = max(0.0, now_s - memory.at_s)
    if age_s <= stale_after_s - min(NEXT_S, 0.5 * stale_after_s):
        return Sensed(name, "aged", memory.value, max(age_s, FRESH_S + 1.0), detail)
    return Sensed(name, "lost", memory.value, age_s, detail)


def _remember(memory: SenseMemory | None, value: float, at_s: float) -> SenseMemory:
    if memory is None or memory.value != value:
        return SenseMemory(value, at_s, at_s)
    _, seen_s, steady_since_s = memory
    return SenseMemory(value, at_s if at_s > seen_s else seen_s, steady_since_s)


@lru_cache(maxsize=256)
def _absent(name: str) -> Sensed:
    return Sensed(name, "absent", None, 0.0, f"this machine has no {name}")


@lru_cache(maxsize=256)
def _range(name: str) -> tuple[float, float]:
    for ending, limits in RANGES.items():
        if name.endswith(ending):
            return limits
    return -1e300, 1e300
