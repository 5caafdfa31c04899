"""Why each variant that was not taken was not taken, and how far each limit is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from edgerund.policy import reasons
from edgerund.policy.candidates import Candidate, Table
from edgerund.policy.ceilings import Ceilings
from edgerund.policy.gate import Move, load_mw
from edgerund.policy.power import total_mw
from edgerund.policy.state import State
from edgerund.types import Reason, Rejection
from edgerund.types.policy import PolicyPlan


def explain_rejections(
    policy: PolicyPlan,
    state: State,
    tables: Sequence[Table],
    limits: Ceilings,
    picked: Sequence[Move],
    index: int,
) -> dict[str, Rejection]:
    """Why each variant that ladder ``index`` did not take was not taken."""
    table, move = tables[index], picked[index]
    chosen = table.candidates[move.place]
    others = load_mw(tables, [m.place for m in picked]) - chosen.load_mw
    found: dict[str, Rejection] = {}
    for candidate in table.candidates:
        if candidate.place == move.place:
            continue
        reason = candidate.blocked
        if reason is None and candidate.place not in table.allowed:
            reason = by_rule(table, state.at_s or 0.0)
        if reason is None and not table.held:
            reason = candidate.unfit
        worse = candidate.score <= chosen.score
        if reason is None and (not worse or candidate.load_mw > chosen.load_mw):
            reason = _too_much(state, tables, limits, index, candidate.load_mw, others)
        if reason is None and worse:
            found[candidate.name] = _worse(policy, candidate, chosen)
            continue
        if reason is None and move.instead is not None:
            reason = reasons.learned(chosen.name, candidate.name)
        if reason is None and move.climbing is not None:
            reason = reasons.step(chosen.name)
        if reason is None:
            expected = total_mw(state.power, others + candidate.load_mw)
            reason = candidate.unready or limits.broken(expected, climb=True) or move.waits
        found[candidate.name] = Rejection(candidate.name, reason or reasons.dwell(0.0))
    return found


def _too_much(
    state: State,
    tables: Sequence[Table],
    limits: Ceilings,
    index: int,
    own_mw: float,
    others_mw: float,
) -> Reason | None:
    """The limit that it breaks beside the others; if it would fit beside the cheapest of them, their share is why."""
    expected = total_mw(state.power, others_mw + own_mw)
    broken = limits.broken(expected)
    if broken is None or len(tables) == 1:
        return broken
    least = sum(min(c.load_mw for c in t.candidates) for i, t in enumerate(tables) if i != index)
    if limits.broken(total_mw(state.power, least + own_mw)) is None:
        return reasons.budget(expected, limits.board_mw)
    return broken


def by_rule(table: Table, now_s: float) -> Reason | None:
    """The hold or rule that leaves only some variants."""
    hold = table.ladder.hold
    if table.held and hold is not None:
        left_s = hold.until_s - now_s if hold.until_s is not None else None
        return reasons.hold(hold.variant, hold.reason, left_s)
    return reasons.rule(table.rule) if table.rule is not None else None


def _worse(policy: PolicyPlan, candidate: Candidate, chosen: Candidate) -> Rejection:
    if policy.objective.goal == "energy" or chosen.accuracy < candidate.accuracy:
        why = reasons.more_energy(candidate.load_mw, chosen.name, chosen.load_mw)
        return Rejection(candidate.name, why)
    return _less_accurate(candidate.name, candidate.accuracy, chosen.name, chosen.accuracy)


@lru_cache(maxsize=1024)
def _less_accurate(variant: str, accuracy: float, chosen: str, better: float) -> Rejection:
    return Rejection(variant, reasons.less_accurate(accuracy, chosen, better))


def headroom(limits: Ceilings, table: Table, move: Move) -> Mapping[str, float]:
    """0 (at the limit) .. 1 per constraint."""
    latency = table.candidates[move.place].headroom
    return limits.headroom if latency is None else {**limits.headroom, "latency": latency}
