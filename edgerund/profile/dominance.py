"""Which variants nobody needs: another is at least as good in everything, and better in something beyond noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgerund.profile.chance import Pair, level
from edgerund.profile.figures import Figures

FASTER_SHARE = 0.03
"""A latency or energy counts as better from here on; less may be noise."""
MEMORY_STEP_BYTES = 512 * 1024
"""Resident memory counts in these steps: the same file loaded twice differs by some pages."""
_CASCADE = "cascade"


@dataclass(frozen=True, slots=True)
class Cost:
    """What is compared: of everything less is better. ``memory`` is in steps; None: not measured.

    ``slow_ms``, its slow frames (p99), counts only against or for one whose time ``varies`` with the frame (a
    cascade): of all others the 99th percentile tells more of the machine than of the variant.
    """

    name: str
    loss: float
    latency: float
    memory: int | None = None
    energy_mj: float | None = None
    slow_ms: float = 0.0
    varies: bool = False

    def dominates(self, other: Cost, *, level: bool = False) -> bool:
        """At least as good in all that was measured of both, and better in one beyond noise.

        ``level``: their accuracy differs by no more than chance, so that the better one is not better for that.
        """
        pairs: list[tuple[float, float, float]] = [
            (self.loss, other.loss, 1.0 if level else 0.0),
            (self.latency, other.latency, FASTER_SHARE),
        ]
        if self.memory is not None and other.memory is not None:
            pairs.append((self.memory, other.memory, 0.0))
        if self.energy_mj is not None and other.energy_mj is not None:
            pairs.append((self.energy_mj, other.energy_mj, FASTER_SHARE))
        if self.varies or other.varies:
            pairs.append((self.slow_ms, other.slow_ms, FASTER_SHARE))
        return all(ours <= theirs for ours, theirs, _ in pairs) and any(
            ours < theirs * (1 - share) for ours, theirs, share in pairs
        )


def mark_dominated(
    figures: Sequence[Figures],
    accuracy: Mapping[str, float] | None = None,
    chances: Mapping[Pair, float] | None = None,
) -> tuple[Figures, ...]:
    """The same figures with ``dominated_by`` set: the most accurate variant that stays and dominates.

    ``accuracy`` is what cards said before, for variants whose accuracy was not measured now. Where no variant has
    one, agreement with the first stands in. A variant that failed, or without latency, is left out of this.
    ``chances`` are those of ``Measured``: without them any difference in accuracy counts.
    """
    costs = {cost.name: cost for cost in _costs(figures, accuracy or {})}
    known = chances or {}
    better = {
        a.name: [b for b in costs.values() if b.dominates(a, level=level(known, a.name, b.name))]
        for a in costs.values()
    }
    return tuple(
        replace(f, dominated_by=_best([b for b in better.get(f.name, []) if not better[b.name]]))
        for f in figures
    )


def _best(candidates: Sequence[Cost]) -> str | None:
    return min(candidates, key=lambda c: (c.loss, c.latency)).name if candidates else None


def _costs(figures: Sequence[Figures], accuracy: Mapping[str, float]) -> list[Cost]:
    usable = [f for f in figures if f.failed is None and f.latency]
    known = {f.name: accuracy.get(f.name) if f.accuracy is None else f.accuracy for f in usable}
    if all(value is None for value in known.values()):
        # the one that the others are compared with agrees with itself
        known = {f.name: 1.0 if f.agreement is None else f.agreement for f in usable}
        if not any(f.agreement is not None for f in usable):
            return []
    # formed round by round, ratios are surer than milliseconds
    related = all(f.latency and f.latency.relative for f in usable)
    return [
        Cost(
            f.name,
            1 - value,
            (f.latency.relative or 0.0) if related else f.latency.p50_ms,
            None if f.memory_bytes is None else f.memory_bytes // MEMORY_STEP_BYTES,
            f.energy.mj,
            f.latency.p99_ms,
            f.backend == _CASCADE,
        )
        for f in usable
        if (value := known[f.name]) is not None and f.latency is not None
    ]
