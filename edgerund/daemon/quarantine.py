"""Which variants may not serve, and why: broken files at once, those that kill the worker at the second time."""

from __future__ import annotations

from dataclasses import dataclass, field

STRIKES = 2
STRIKE_WINDOW_S = 120.0


@dataclass(slots=True)
class Quarantine:
    """Per ladder. A reload of the ladder begins with an empty one."""

    reasons: dict[str, str] = field(default_factory=dict)
    _deaths: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

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
        self._deaths[variant] = recent
        if sum(w for _, w in recent) < STRIKES:
            return False
        return self.condemn(variant, f"the worker died {len(recent)} times with it ({how})")
