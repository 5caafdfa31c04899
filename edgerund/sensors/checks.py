"""Owns the question whether a value can be true: steps that no physics allows, values frozen under changing load.

Pure: time comes in with each value. Every limit has a limit of its own, so that no check blinds the daemon for
ever: a step that stays is believed after ``BELIEVE_AFTER_S``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgerund.types import NoData, Reading, Sense

BELIEVE_AFTER_S = 10.0
LONGEST_STEP_S = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one kind of value can do. None: unlimited.

    ``step_per_s`` is the fastest change, ``step_floor`` what is always allowed. A value that stays the same
    to the last digit for ``frozen_s`` while the load moved by ``frozen_activity`` (sum of its changes; 1 is
    once from idle to full) is frozen.
    """

    low: float = -math.inf
    high: float = math.inf
    step_per_s: float | None = None
    step_floor: float = 0.0
    frozen_s: float | None = None
    frozen_activity: float = 3.0


# A die jumps: 20 C within a tick when a core wakes (coretemp), 4.6 C on a Jetson GPU at 1 Hz.
_ZONE = Limits(-60, 150, step_per_s=15, step_floor=25, frozen_s=60)
# whole-degree sensors (x86, acpitz) stay put for minutes
_COARSE = Limits(-60, 150, step_per_s=30, step_floor=45, frozen_s=900, frozen_activity=30)
# one rail alone may idle at one code of its converter; the longest run of an Orin's rails at 1 Hz was 31 s
_RAIL = Limits(0, 2_000_000, frozen_s=90)
_PERCENT = Limits(0, 100, step_per_s=0.5, step_floor=10)
_BY_SUFFIX: tuple[tuple[str, str, Limits], ...] = (
    ("battery.", ".temp_c", Limits(-40, 120, step_per_s=1, step_floor=10)),
    ("", ".temp_c", _ZONE),
    ("rail.", ".power_mw", _RAIL),
    ("", ".percent", _PERCENT),
)


def limits_of(name: str) -> Limits:
    """The limits for a raw reading, by its name."""
    for prefix, suffix, limits in _BY_SUFFIX:
        if name.startswith(prefix) and name.endswith(suffix):
            return limits
    return Limits()


@dataclass(slots=True)
class History:
    """What the checks remember about one value."""

    value: float
    at_s: float
    same_since_s: float
    activity_then: float
    coarse: bool = True
    pending_s: float | None = None
    pending: float = 0.0


class Checker:
    """Judges the readings of one board. ``activity`` grows by each change of load, see ``note_load``."""

    def __init__(self) -> None:
        self._histories: dict[str, History] = {}
        self._activity = 0.0
        self._loads: dict[str, float] = {}

    def note_load(self, name: str, share: float) -> None:
        """Feed a load (0..1); frozen values are those that ignore its changes."""
        self._activity += abs(share - self._loads.get(name, share))
        self._loads[name] = share

    def forget(self, name: str) -> None:
        """The hardware behind ``name`` went away: what comes back is judged afresh."""
        self._histories.pop(name, None)

    def judge(self, reading: Reading, at_s: float) -> Sense:
        """The reading, or the NoData that it amounts to. ``at_s`` is when it was read (monotonic)."""
        limits = limits_of(reading.name)
        if not math.isfinite(reading.value):
            return _no(reading, "range", f"{reading.value} is not a number")
        if not limits.low <= reading.value <= limits.high:
            text = f"{reading.value:g} is outside {limits.low:g} to {limits.high:g} {reading.unit}"
            return _no(reading, "range", text)
        history = self._histories.get(reading.name)
        if history is None:
            self._start(reading, at_s)
            return reading
        if history.coarse and reading.name.endswith(".temp_c"):
            history.coarse = reading.value == int(reading.value)
            limits = _COARSE if history.coarse else limits
        step = self._step(reading, at_s, history, limits)
        return step or self._frozen(reading, at_s, history, limits)

    def _start(self, reading: Reading, at_s: float) -> None:
        coarse = reading.value == int(reading.value)
        self._histories[reading.name] = History(reading.value, at_s, at_s, self._activity, coarse)

    def _step(
        self, reading: Reading, at_s: float, history: History, limits: Limits
    ) -> NoData | None:
        if limits.step_per_s is None or _near(reading.value, at_s, history, limits):
            history.pending_s = None
            return None
        if history.pending_s is None or abs(reading.value - history.pending) > limits.step_floor:
            history.pending_s, history.pending = at_s, reading.value
        if at_s - history.pending_s >= BELIEVE_AFTER_S:
            self._start(reading, at_s)
            return None
        text = (
            f"from {history.value:g} to {reading.value:g} {reading.unit} in "
            f"{at_s - history.at_s:.1f} s is no change that this hardware can make"
        )
        return _no(reading, "step", text)

    def _frozen(self, reading: Reading, at_s: float, history: History, limits: Limits) -> Sense:
        history.at_s = at_s
        if reading.value != history.value:
            history.value, history.same_since_s = reading.value, at_s
            history.activity_then = self._activity
            return reading
        still_s = at_s - history.same_since_s
        moved = self._activity - history.activity_then
        if limits.frozen_s is None or still_s < limits.frozen_s or moved < limits.frozen_activity:
            return reading
        text = f"exactly {reading.value:g} {reading.unit} for {still_s:.0f} s while the load moved"
        return _no(reading, "frozen", text)


def _near(value: float, at_s: float, history: History, limits: Limits) -> bool:
    assert limits.step_per_s is not None
    allowed = limits.step_floor + limits.step_per_s * min(LONGEST_STEP_S, at_s - history.at_s)
    return abs(value - history.value) <= allowed


def _no(reading: Reading, reason: str, detail: str) -> NoData:
    return NoData(reading.name, reason, detail, reading.source)
