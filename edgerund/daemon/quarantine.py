"""Which variants may not serve, and why: broken files at once, those that kill the worker at the second time."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

STRIKES = 2
STRIKE_WINDOW_S = 120.0
PROBATION_S = 30.0
"""A suspect is not loaded in advance for so long; where it is chosen, it is loaded all the same."""


@dataclass(slots=True)
class Quarantine:
    """Per ladder. A reload of the ladder begins with an empty one."""

    reasons: dict[str, str] = field(default_factory=dict)
    _deaths: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    _free_s: dict[str, float] = field(default_factory=dict)

    def condemn(self, variant: str, reason: str) -> bool:
        """Quarantine for a reason that needs no second proof. True if that is news."""
        news = variant not in self.reasons
        self.reasons.setdefault(variant, reason)
        return news

    def died(self, variant: str, how: str, now_s: float, weight: float = 1.0) -> bool:
        """The worker died while ``variant`` was loading or live. True if that condemns it.

        One death may be the system's doing; two within two minutes are not. ``weight`` below 1 makes it need more.
        """
        recent = [(t, w) for t, w in self._deaths.get(variant, []) if now_s - t < STRIKE_WINDOW_S]
        recent.append((now_s, weight))
        self._free_s[variant] = now_s + PROBATION_S
        self._deaths[variant] = recent
        if sum(w for _, w in recent) < STRIKES:
            return False
        return self.condemn(variant, f"the worker died {len(recent)} times with it ({how})")

    def on_probation(self, variant: str, now_s: float) -> bool:
        """True while it should not be loaded without need."""
        return now_s < self._free_s.get(variant, now_s)


def suspects_of(end: str | int | None, *, hung: bool, loading: str, live: str) -> dict[str, float]:
    """Variants whose code may have ended a worker, each with the weight of the suspicion.

    A SIGKILL that is not ours (``hung``) comes from outside: an operator, or the kernel short of memory. That says
    nothing against what is live, and half as much as a crash against what was just being loaded. Where one was live
    while another was loading, the latter is put off for ``PROBATION_S``: the next death tells them apart.
    """
    if end == -signal.SIGKILL and not hung:
        return {loading: 0.5} if loading else {}
    if loading and live:
        return {live: 1.0, loading: 0.5} if hung else {loading: 1.0, live: 0.5}
    return {name: 1.0 for name in (loading, live) if name}
