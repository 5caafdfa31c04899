"""Which variants may not serve, and why: broken files at once, those that kill the worker at the second time."""

from __future__ import annotations

from dataclasses import dataclass, field

STRIKES = 2
STRIKE_WINDOW_S = 120.0


@dataclass(slots=True)
class Quarantine:
    """Per ladder. A reload of the ladder begins with an empty one."""

    reasons: dict[str, str] = field(default_factory=dict)
    _deaths: dict[str, list[float]] = field(default_factory=dict)

    def condemn(self, variant: str, reason: str) -> bool:
        """Quarantine for a reason that needs no second proof. True if that is news."""
        news = variant not in self.reasons
        self.reasons.setdefault(variant, reason)
        return news

    def died(self, variant: str, how: str, now_s: float) -> bool:
        """The worker died while ``variant`` was loading or live. True if that condemns it.

        One death may be the system's doing (out of memory, an operator's kill); two within two minutes are not.
        """
        recent = [t for t in self._deaths.get(variant, []) if now_s - t < STRIKE_WINDOW_S]
        self._deaths[variant] = [*recent, now_s]
        if len(self._deaths[variant]) < STRIKES:
            return False
        return self.condemn(
            variant, f"the worker died {len(self._deaths[variant])} times with it ({how})"
        )
