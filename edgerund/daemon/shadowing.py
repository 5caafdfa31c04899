"""What a worker was told to run beside, and the rest that a worker's death gives the shadow."""

from __future__ import annotations

from edgerund.types import Shadow
from edgerund.types import worker as w

REST_S = 600.0
"""No shadow for so long after a worker died with one: if it was the shadow's doing, nobody else is blamed for it."""


class Shadowing:
    """One per ladder."""

    def __init__(self) -> None:
        self._told: Shadow | None = None
        self._rest_until_s = 0.0

    def wish(self, shadow: Shadow | None, now_s: float) -> w.Beside | None:
        """What to tell the worker; None: it knows."""
        if now_s < self._rest_until_s:
            shadow = None
        if shadow == self._told:
            return None
        self._told = shadow
        if shadow is None:
            return w.Beside()
        return w.Beside(shadow.variant, shadow.share, shadow.max_per_s)

    def died(self, now_s: float) -> None:
        """The worker is gone, and with it what it was told."""
        if self._told is not None:
            self._rest_until_s = now_s + REST_S
        self._told = None
