"""When a ladder's worker is started again: at once after it served, ever more slowly while it comes to nothing."""

from __future__ import annotations

MAX_BACKOFF_S = 5.0
STILLBORN = 5
"""Workers in a row that end before they load anything: then it is not the variants' doing, and will not heal."""


class Restarts:
    """The pending start of one ladder's worker; the first is due at ``now_s``."""

    def __init__(self, now_s: float) -> None:
        self.at_s: float | None = now_s
        self.stillborn: str | None = None
        self._backoff_s = 0.0
        self._born_dead = 0

    def take(self, now_s: float) -> bool:
        """True if a start is due: it is the caller's now."""
        if self.at_s is None or now_s < self.at_s:
            return False
        self.at_s = None
        return True

    def never(self) -> None:
        """The ladder stops: nothing is pending any more."""
        self.at_s = None

    def loads(self) -> None:
        """A worker came as far as loading a variant."""
        self._born_dead, self.stillborn = 0, None

    def at_once(self, now_s: float) -> None:
        """One that came as far as serving has ended."""
        self._backoff_s = 0.0
        self.at_s = now_s

    def failed(self, why: str, now_s: float, *, blameless: bool = False) -> None:
        """One ended before it served, as ``why`` says; ``blameless`` where a variant is suspected."""
        self._born_dead = 0 if blameless else self._born_dead + 1
        if self._born_dead >= STILLBORN:
            self.stillborn = why
        self._backoff_s = min(MAX_BACKOFF_S, 2 * self._backoff_s + 0.1)
        self.at_s = now_s + self._backoff_s
