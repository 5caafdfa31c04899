"""Real and manual time. Whoever needs to know the time takes a Clock as an argument."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds for durations, wall-clock seconds (Unix epoch) for people."""

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    def wall_s(self) -> float:
        """Seconds since the Unix epoch; may jump when the clock is set."""
        ...


class SystemClock:
    """The clock of this machine."""

    def monotonic_s(self) -> float:
        """Seconds since boot."""
        return time.monotonic()

    def wall_s(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()


class ManualClock:
    """A clock that stands still until it is told to advance: tests, simulator, replay."""

    def __init__(self, monotonic_s: float = 0.0, wall_s: float = 1_700_000_000.0) -> None:
        self._monotonic_s = monotonic_s
        self._wall_s = wall_s

    def monotonic_s(self) -> float:
        """Seconds advanced so far, plus the start."""
        return self._monotonic_s

    def wall_s(self) -> float:
        """Wall clock; advances with the monotonic one."""
        return self._wall_s

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by ``seconds`` (>= 0)."""
        if seconds < 0:
            raise ValueError(f"cannot advance a clock by {seconds} s: time does not go back")
        self._monotonic_s += seconds
        self._wall_s += seconds
