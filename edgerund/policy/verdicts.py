"""Why each variant that was not taken was not taken, and how far each limit is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgerund.policy import reasons
from edgerund.policy.candidates import Table
from edgerund.policy.ceilings import Ceilings
from edgerund.policy.gate import Move, load_mw
from edgerund.policy.power import total_mw
from edgerund.policy.state import State
from edgerund.types import Reason
from edgerund.types.policy import PolicyPlan


def explain_rejections(
    policy: PolicyPlan,
    state: State,
    tables: Sequence[Table],
    limits: Ceilings,
    picked: Sequence[Move],
    index: int,
) -> dict[str, Reason]:
    """Why each variant that ladder ``index`` did not take was not taken."""
    table, move = tables[index], picked[index]
    chosen = table.candidates[move.place]
    others = load_mw(tables, [m.place for m in picked]) - chosen.load_mw
    alone = sum(min(c.load_mw for c in t.candidates) for i, t in enumerate(tables) if i != index)
    found: dict[str, Reason] = {}
    for candidate in table.candidates:
        if candidate.place == move.place:
            continue
        own = candidate.blocked or _by_rule(table, candidate.place, state.at_s or 0.0)
        own = own or (None if table.held else candidate.unfit)
        expected = total_mw(state.power, others + candidate.load_mw)
        broken = limits.broken(expected)
        if (
            broken
            and len(tables) > 1
            and limits.broken(total_mw(state.power, alone + candidate.load_mw)) is None
        ):
            broken = reasons.budget(expected, limits.lowest())
        worse = candidate.score <= chosen.score
        reason = own or (broken if not worse or candidate.load_mw > chosen.load_mw else None)
        if reason is None and worse:
            reason = _worse(policy, candidate.accuracy, candidate.load_mw, chosen.name, table, move)
        if reason is None and move.climbing is not None:
            reason = reasons.step(chosen.name)
        if reason is None:
            reason = candidate.unready or limits.broken(expected, climb=True) or move.waits
        found[candidate.name] = reason or reasons.dwell(0.0)
    return found


def _by_rule(table: Table, place: int, now_s: float) -> Reason | None:
    if place in table.allowed:
        return None
    hold = table.ladder.hold
    if table.held and hold is not None:
        left_s = hold.until_s - now_s if hold.until_s is not None else None
        return reasons.hold(hold.variant, hold.reason, left_s)
    return reasons.rule(table.rule) if table.rule is not None else None


def _worse(
    policy: PolicyPlan, accuracy: float, load_mw: float, chosen: str, table: Table, move: Move
) -> Reason:
    better = table.candidates[move.place]
    if policy.objective.goal == "energy" or better.accuracy < accuracy:
        return reasons.more_energy(load_mw, chosen, better.load_mw)
    return reasons.less_accurate(accuracy, chosen, better.accuracy)


def headroom(limits: Ceilings, table: Table, move: Move) -> Mapping[str, float]:
    """0 (at the limit) .. 1 per constraint."""
    latency = table.candidates[move.place].headroom
    return limits.headroom if latency is None else {**limits.headroom, "latency": latency}
