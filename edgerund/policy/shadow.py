"""Which variant runs beside the serving one on a few frames, and when that rests: it may never cost a limit."""

from __future__ import annotations

from collections.abc import Mapping

from edgerund.policy.candidates import Candidate, Table
from edgerund.policy.ceilings import Ceilings
from edgerund.policy.state import LadderMemory
from edgerund.types import Shadow
from edgerund.types.policy import PolicyPlan, ShadowTerms

BUSY = 0.7
"""Busier than this, the engine has no time to give away."""
TURN_FRAMES = 16
"""While the best one serves, the others take turns of so many frames."""


def beside(
    policy: PolicyPlan,
    table: Table,
    place: int,
    limits: Ceilings,
    headroom: Mapping[str, float],
    memory: LadderMemory,
) -> tuple[Shadow | None, tuple[str, ...]]:
    """What to run beside the variant at ``place``, and why nothing, if nothing is."""
    terms = policy.shadow
    if terms is None or len(table.candidates) < 2:
        return None, ()
    chosen = table.candidates[place]
    if table.ladder.live != chosen.name:
        return None, ()  # a swap is under way
    why = _rests(terms, table, limits, headroom, memory)
    if why:
        return None, (f"the shadow rests: {why}",)
    other = table.candidates[0] if place else _least_known(table, memory)
    if other is None:
        return None, ("the shadow rests: no other variant is loaded",)
    return Shadow(other.name, terms.share, terms.max_per_s), ()


def _rests(
    terms: ShadowTerms,
    table: Table,
    limits: Ceilings,
    headroom: Mapping[str, float],
    memory: LadderMemory,
) -> str:
    """What stands against it, as part of a sentence; empty if nothing does."""
    best = table.candidates[0]
    if best.blocked is not None:
        return best.blocked.text
    if limits.barred is not None:
        return limits.barred.text
    tightest = min(headroom, key=lambda name: headroom[name], default="")
    if tightest and headroom[tightest] < terms.headroom:
        return f"{tightest} has {100 * headroom[tightest]:.0f} % headroom, {100 * terms.headroom:.0f} % are asked for"
    serving = table.ladder.serving
    if serving.refused or serving.queue_depth:
        return "frames wait"
    if memory.busy > BUSY:
        return f"the engine is busy for {100 * min(1.0, memory.busy):.0f} % of the time"
    return ""


def _least_known(table: Table, memory: LadderMemory) -> Candidate | None:
    """The loaded variant of which least was seen, the better one first."""
    loaded = [
        c
        for c in table.candidates[1:]
        if c.blocked is None and table.ladder.variants[c.place].resident
    ]

    def turns(c: Candidate) -> int:
        seen = memory.agreement.get(c.name)
        return 0 if seen is None else int(seen.frames / TURN_FRAMES)

    return min(loaded, key=lambda c: (turns(c), c.place), default=None)
