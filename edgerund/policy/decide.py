"""The decision: ``(policy, state, snapshot) -> (state, decisions)``, pure, total and deterministic.

Daemon, simulator, replay and tests call this very function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from edgerund.policy import agreement, caps, floors, reasons, rules
from edgerund.policy.candidates import Table, tabulate
from edgerund.policy.ceilings import Ceilings, together
from edgerund.policy.frame_rate import advised_hz
from edgerund.policy.gate import Move, load_mw, moves
from edgerund.policy.limits import limits_now
from edgerund.policy.loads import Costs
from edgerund.policy.observe import Seen, observe
from edgerund.policy.power import total_mw
from edgerund.policy.shadow import beside
from edgerund.policy.state import CapMemory, LadderMemory, State
from edgerund.policy.switching import switched
from edgerund.policy.verdicts import explain_rejections, headroom
from edgerund.types import Agreement, Decision, Proposal, Reason, Rejection, Shadow, Snapshot
from edgerund.types.policy import PolicyPlan


def initial(policy: PolicyPlan, snapshot: Snapshot | None = None) -> State:
    """The state before the first decision; with ``snapshot``, already fed with it."""
    state = State()
    return state if snapshot is None else observe(policy, state, snapshot)[0]


class Said(NamedTuple):
    """What a learned policy proposed for one ladder, and the reason against it, if there is one."""

    proposal: Proposal
    against: Reason | None = None


NOTHING_SAID: Mapping[str, Said] = {}


class Weighed(NamedTuple):
    """One tick, all but the wording: what was seen, what the limits leave, and where each ladder goes.

    ``said`` are the proposals of a learned policy that ``picked`` heeds, or does not.
    """

    state: State
    seen: Seen
    tables: Sequence[Table]
    limits: Ceilings
    capped: CapMemory
    picked: Sequence[Move]
    said: Mapping[str, Said] = NOTHING_SAID


def decide(
    policy: PolicyPlan, state: State, snapshot: Snapshot
) -> tuple[State, Mapping[str, Decision]]:
    """Choose the variant of every ladder that has one.

    Returns:
        The state for the next call, and one decision per ladder of the snapshot.
    """
    return conclude(policy, weigh(policy, state, snapshot))


def weigh(policy: PolicyPlan, state: State, snapshot: Snapshot) -> Weighed:
    """The first half of ``decide``: a learned policy may have its say before the second."""
    state, seen = observe(policy, state, snapshot)
    now_s = snapshot.now_s
    tables = [
        tabulate(
            policy,
            ladder,
            state.ladders[name],
            rules.matching(policy.rules, state.rules, name),
            seen.costs[name],
            seen.sensed["memory_available_bytes"],
            now_s,
        )
        for name, ladder in snapshot.ladders.items()
        if ladder.variants
    ]
    if not tables:
        return Weighed(state, seen, (), together((), None, (), {}), state.caps, ())
    live_mw = sum([t.candidates[t.current].load_mw for t in tables if t.current is not None])
    board_mw = total_mw(state.power, live_mw)
    limits = limits_now(policy, state, seen.sensed, seen.watched, board_mw, now_s)
    terms = policy.actuators
    capped = caps.next_caps(terms, state.caps, tables, limits, board_mw, now_s)
    if capped.level:
        limits = limits._replace(barred=limits.barred or caps.bar(terms, capped))
    picked = moves(policy, state, tables, limits, now_s)
    return Weighed(state, seen, tables, limits, capped, picked)


def conclude(policy: PolicyPlan, weighed: Weighed) -> tuple[State, Mapping[str, Decision]]:
    """The second half of ``decide``: the decisions with their reasons, and what to remember."""
    state, seen, tables, _, capped, _, _ = weighed
    if not tables:
        return state, {}
    decisions: dict[str, Decision] = {}
    ladders = dict(state.ladders)
    capping = caps.notes(policy.actuators, capped)
    for index, table in enumerate(tables):
        name = table.ladder.name
        decisions[name], ladders[name] = _decided(policy, weighed, index, seen.costs[name], capping)
    return state._replace(ladders=ladders, caps=capped), decisions


def _decided(
    policy: PolicyPlan, weighed: Weighed, index: int, costs: Costs, capping: tuple[str, ...]
) -> tuple[Decision, LadderMemory]:
    """The decision of ladder ``index`` with its reasons, and what to remember of it."""
    state, _, tables, limits, _, picked, all_said = weighed
    table, move, now_s = tables[index], picked[index], state.at_s or 0.0
    said = all_said.get(table.ladder.name)
    memory = state.ladders[table.ladder.name]
    why = explain_rejections(policy, state, tables, limits, picked, index)
    reason = _reason(table, move, why, now_s)
    chosen = table.candidates[move.place]
    floor = floors.judged(policy, memory.wishes, _known_accuracy(table, move.place))
    left = headroom(limits, table, move)
    shadow, rests = beside(policy, table, move.place, limits, left, memory)
    fps = None
    if policy.actuators.frame_rate:
        others_mw = load_mw(tables, [m.place for m in picked]) - chosen.load_mw
        energy_mj = costs.energies[move.place]
        fps = advised_hz(state, memory, table, move.place, limits, energy_mj, others_mw)
    switch = switched(memory.switch, policy.switching, chosen.name, reason.code, now_s)
    decision = Decision(
        ladder=table.ladder.name,
        variant=chosen.name,
        reason=reason,
        at_s=now_s,
        changed=chosen.name != table.ladder.live,
        voluntary=move.voluntary,
        rejected=tuple(why.values()),
        headroom=left,
        warm=_warm(table, move, shadow),
        notes=(*table.notes, *limits.notes, *floors.note(floor), *rests, *capping, *_note(said)),
        since_s=switch.since_s,
        floor=floor,
        shadow=shadow,
        agreements=_agreements(table, memory),
        suggested_fps=fps,
        proposal=None if said is None else said.proposal,
    )
    if switch is memory.switch and fps == memory.fps:
        return decision, memory
    return decision, memory._replace(switch=switch, fps=fps)


def _reason(table: Table, move: Move, why: Mapping[str, Rejection], now_s: float) -> Reason:
    """What binds: the hold, else why the next better variant was not taken, else nothing."""
    hold = table.ladder.hold
    chosen = table.candidates[move.place]
    if move.instead is not None:
        return reasons.learned(chosen.name, table.candidates[move.instead].name)
    if table.held and hold is not None and hold.variant == chosen.name:
        left_s = hold.until_s - now_s if hold.until_s is not None else None
        return reasons.hold(hold.variant, hold.reason, left_s)
    if move.voluntary is False and table.current is not None and table.current != move.place:
        return why[table.candidates[table.current].name].reason
    if table.current is not None and move.place < table.current:
        return reasons.climbs(chosen.name, table.candidates[table.current].name)
    better = [why[c.name].reason for c in table.candidates[: move.place]]
    binding = [reason for reason in better if reason.code not in ("best", "energy")]
    if binding:
        return binding[-1]
    if table.rule is not None and len(table.allowed) < len(table.candidates):
        return reasons.rule(table.rule)
    return reasons.best(f"{chosen.name} is the best variant, and every limit is kept")


def _note(said: Said | None) -> tuple[str, ...]:
    """A proposal that was not heeded, or that there was none."""
    if said is None:
        return ()
    if said.proposal.variant is None:
        return (f"the learned policy has no say: {said.proposal.trouble}",)
    if said.against is None:
        return ()
    return (f"the learned policy proposes {said.proposal.variant}, refused: {said.against.code}",)


def _known_accuracy(table: Table, place: int) -> float | None:
    """What a variant counts for, if anybody measured it."""
    measured = table.ladder.variants[place].card.accuracy is not None
    return table.candidates[place].accuracy if measured else None


def _agreements(table: Table, memory: LadderMemory) -> tuple[Agreement, ...]:
    if not memory.agreement:
        return ()
    accuracies = [c.accuracy for c in table.candidates]
    return agreement.summary(accuracies, table.ladder, memory.agreement)


def _warm(table: Table, move: Move, shadow: Shadow | None) -> tuple[str, ...]:
    """The chosen one, its neighbours (the way it is likely to go first), the cheapest, and what runs beside."""
    usable = [c.name for c in table.candidates if c.blocked is None or c.place == move.place]
    here = usable.index(table.candidates[move.place].name)
    names = [usable[here], *usable[max(0, here - 1) : here], *usable[here + 1 : here + 2]]
    names.append(usable[-1])
    if shadow is not None:
        names.append(shadow.variant)
    return tuple(dict.fromkeys(names))
