"""How often the control loop may fail, and how long it waits before it goes on. Pure."""

from __future__ import annotations

MOST = 5
WITHIN_S = 60.0
FIRST_S = 0.1
LONGEST_S = 2.0


class Recovery:
    """Counts the failures of one minute."""

    def __init__(self) -> None:
        self._failed_s: list[float] = []

    def failed(self, now_s: float) -> float | None:
        """How long to wait before the next try, in s; None: it will not heal, end the process.

        0.1 s, doubled with each failure of the last minute, at most 2 s; five of them are enough.
        """
        self._failed_s = [s for s in self._failed_s if now_s - s < WITHIN_S]
        self._failed_s.append(now_s)
        count = len(self._failed_s)
        return min(LONGEST_S, FIRST_S * 2.0 ** (count - 1)) if count < MOST else None
