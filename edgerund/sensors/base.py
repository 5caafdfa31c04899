"""What every reader of files has in common."""

from __future__ import annotations

import math

from edgerund.clock import Clock
from edgerund.ports import SysRoot


class FileSensor:
    """A reader with a root, a clock and a period; holds nothing open between two rounds."""

    period_s = 1.0

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        self._root = root
        self._clock = clock
        if period_s is not None:
            self.period_s = checked_period(period_s)

    def close(self) -> None:
        """Nothing is held open."""


def checked_period(period_s: float) -> float:
    """The period, if it is one. Raises ValueError."""
    if not 0.01 <= period_s <= 3600 or not math.isfinite(period_s):
        raise ValueError(f"cannot read every {period_s} s: period_s must be 0.01 to 3600")
    return float(period_s)
