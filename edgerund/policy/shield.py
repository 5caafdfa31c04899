"""Lets somebody else propose a variant, and takes the proposal only where no constraint stands against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgerund.types import Decision, Reason, Rejection, Snapshot

ALONE = frozenset({"best", "energy"})
TOGETHER = frozenset({"best"})
"""Reasons of taste, not of a limit. With several ladders a hungrier variant may be too much for all of them."""


def shield(
    snapshot: Snapshot, decisions: Mapping[str, Decision], proposals: Mapping[str, str]
) -> dict[str, Decision]:
    """``decisions`` with every proposal that was rejected for nothing but the objective.

    Limits, deadlines, memory, quarantine, rules and holds stay in force, because each of them is the reason why
    ``decide`` rejected a variant, and such a variant is never taken.
    """
    taste = ALONE if len(decisions) == 1 else TOGETHER
    shielded = {}
    for name, decision in decisions.items():
        taken = _rejected_for(decision, proposals.get(name, ""), taste)
        live = snapshot.ladders[name].live
        shielded[name] = decision if taken is None else _taken(decision, taken, live)
    return shielded


def allowed(decision: Decision, alone: bool = True) -> frozenset[str]:
    """The variants that a proposal may name."""
    taste = ALONE if alone else TOGETHER
    fit = {r.variant for r in decision.rejected if r.reason.code in taste}
    return frozenset({decision.variant, *fit})


def _rejected_for(decision: Decision, proposal: str, taste: frozenset[str]) -> Rejection | None:
    for rejection in decision.rejected:
        if rejection.variant == proposal and rejection.reason.code in taste:
            return rejection
    return None


def _taken(decision: Decision, rejection: Rejection, live: str | None) -> Decision:
    changed = rejection.variant != live
    why = Reason("learned", f"the learned policy prefers {rejection.variant}")
    usual = Rejection(decision.variant, why)
    return replace(
        decision,
        variant=rejection.variant,
        reason=why,
        changed=changed,
        since_s=decision.at_s if changed else None,
        rejected=(usual, *(r for r in decision.rejected if r is not rejection)),
    )
