"""The constraints around a learned policy: a proposal is heeded where nothing but taste stands against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgerund.policy import reasons
from edgerund.policy.decide import Said, Weighed
from edgerund.policy.gate import Move, load_mw, too_soon
from edgerund.policy.power import total_mw
from edgerund.policy.verdicts import by_rule
from edgerund.types import Proposal, Reason
from edgerund.types.policy import PolicyPlan


def shield(policy: PolicyPlan, weighed: Weighed, proposals: Mapping[str, Proposal]) -> Weighed:
    """``weighed`` with every proposal that no constraint stands against, one ladder after the other.

    Each is judged beside what the others take by then, so that all of them together keep every limit.
    """
    picked = list(weighed.picked)
    said: dict[str, Said] = {}
    for index, table in enumerate(weighed.tables):
        proposal = proposals.get(table.ladder.name)
        if proposal is None:
            continue
        places = [c.place for c in table.candidates if c.name == proposal.variant]
        if proposal.variant is not None and not places:
            trouble = f"it proposes {proposal.variant!r}, which this ladder does not have"
            proposal = Proposal(None, trouble)
        against = None
        if places and places[0] != picked[index].place:
            against = _against(policy, weighed, picked, index, places[0])
            if against is None:
                usual = picked[index]
                picked[index] = Move(places[0], usual.voluntary, instead=usual.place)
        said[table.ladder.name] = Said(proposal, against)
    return weighed._replace(picked=tuple(picked), said=said)


def allowed(policy: PolicyPlan, weighed: Weighed, index: int) -> frozenset[int]:
    """The places that a proposal for ladder ``index`` may name, if nothing is proposed for the others."""
    usual = weighed.picked[index].place
    return frozenset(
        [
            c.place
            for c in weighed.tables[index].candidates
            if c.place == usual or _against(policy, weighed, weighed.picked, index, c.place) is None
        ]
    )


def _against(
    policy: PolicyPlan, weighed: Weighed, picked: Sequence[Move], index: int, place: int
) -> Reason | None:
    """The constraint that keeps ladder ``index`` from ``place``; None: only taste does."""
    state, tables, limits = weighed.state, weighed.tables, weighed.limits
    table, usual, now_s = tables[index], picked[index], weighed.seen.now_s
    candidate = table.candidates[place]
    if candidate.blocked is not None:
        return candidate.blocked
    if place not in table.allowed:
        return by_rule(table, now_s)
    if candidate.unfit is not None and not table.held:
        return candidate.unfit
    current = None if table.current is None else table.candidates[table.current]
    # a lower variant may draw more, where clients send as fast as they are answered
    up = current is None or place < current.place or candidate.load_mw > current.load_mw
    others_mw = load_mw(tables, [m.place for m in picked]) - table.candidates[usual.place].load_mw
    expected_mw = total_mw(state.power, others_mw + candidate.load_mw)
    broken = limits.broken(expected_mw, climb=up)
    if broken is not None or current is None or place == current.place:
        return broken
    if up and (limits.barred or candidate.unready):
        return limits.barred or candidate.unready
    if expected_mw > limits.leap_mw:
        nearer = [c for c in table.permitted if place < c.place < current.place and not c.unready]
        if nearer:
            return reasons.step(nearer[-1].name)
    return too_soon(policy, state, table, now_s) if usual.voluntary else None
