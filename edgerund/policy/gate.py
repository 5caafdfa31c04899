"""From what would be best to what is done now: down at once, up one step at a time and not too often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edgerund.policy import reasons
from edgerund.policy.candidates import Table
from edgerund.policy.ceilings import Ceilings
from edgerund.policy.power import active_for_mw
from edgerund.policy.selection import climb, select
from edgerund.policy.state import State
from edgerund.policy.switching import dwell_left_s, token_left_s
from edgerund.types import Reason
from edgerund.types.policy import PolicyPlan

STAY_S = 60.0  # how long a voluntary choice is expected to stand when its gain is weighed
LOAD_SHARE = 0.05  # share of service that is lost while another variant loads


class Move(NamedTuple):
    """Where one ladder goes. ``waits`` tells why better variants that fit are not taken yet.

    ``instead``: a learned policy wants this place instead of that one.
    """

    place: int
    voluntary: bool
    waits: Reason | None = None
    climbing: int | None = None
    instead: int | None = None


def moves(
    policy: PolicyPlan, state: State, tables: Sequence[Table], limits: Ceilings, now_s: float
) -> list[Move]:
    """One move per ladder."""
    all_mw = active_for_mw(state.power, limits.board_mw)
    hard_mw = active_for_mw(state.power, limits.hard_mw)
    targets = select(tables, all_mw, hard_mw)
    here = [_stay(t, target) for t, target in zip(tables, targets, strict=True)]
    here_mw = load_mw(tables, here)
    settled = [
        _forced(t, target, limits, over=here_mw > all_mw)
        for t, target in zip(tables, targets, strict=True)
    ]
    if not any(settled):
        return _voluntary(policy, state, tables, limits, here, here_mw, now_s)
    return [
        move if move is not None else Move(place, voluntary=True)
        for move, place in zip(settled, here, strict=True)
    ]


def _stay(table: Table, target: int) -> int:
    return table.current if table.current is not None else target


def load_mw(tables: Sequence[Table], places: Sequence[int]) -> float:
    """What the models draw above idle by their cards with these variants."""
    return sum([t.candidates[p].load_mw for t, p in zip(tables, places, strict=True)])


def _forced(table: Table, target: int, limits: Ceilings, *, over: bool) -> Move | None:
    """A move that is not the controller's to refuse; None if the ladder may stay where it is."""
    if table.current is None:
        return Move(target, voluntary=False)
    current = table.candidates[table.current]
    if target == table.current:
        return None
    lower = table.candidates[target]
    # without traffic, or without cards, all cost the same: the lower place is then the safer one
    cheaper = (lower.load_mw, current.place) < (current.load_mw, lower.place)
    if current.blocked or current.place not in {c.place for c in table.permitted}:
        if limits.barred and not current.blocked and not table.held and target < current.place:
            return None
        return Move(target, voluntary=False)
    if current.unfit and not table.held:
        # a better variant that is also believed faster is climbed to with the usual care
        return Move(target, voluntary=False) if target > current.place else None
    return Move(target, voluntary=False) if over and cheaper else None


def _voluntary(
    policy: PolicyPlan,
    state: State,
    tables: Sequence[Table],
    limits: Ceilings,
    here: Sequence[int],
    here_mw: float,
    now_s: float,
) -> list[Move]:
    """What is better than to stay ``here``, where the models draw ``here_mw`` by their cards."""
    climb_mw = active_for_mw(state.power, limits.climb_mw)
    wanted = climb(tables, climb_mw) if here_mw <= climb_mw else None
    if wanted is None or list(wanted) == here:
        return [Move(p, voluntary=True) for p in here]
    waits = [
        _wait(policy, state, t, target, limits, now_s) if target != place else None
        for t, target, place in zip(tables, wanted, here, strict=True)
    ]
    if any(waits):
        return [Move(p, voluntary=True, waits=w) for p, w in zip(here, waits, strict=True)]
    leap_mw = active_for_mw(state.power, limits.leap_mw)
    if load_mw(tables, wanted) <= leap_mw:
        return [Move(target, voluntary=True) for target in wanted]
    steps = [_step(t, target) for t, target in zip(tables, wanted, strict=True)]
    if load_mw(tables, steps) > climb_mw:
        # the way up of one ladder is paid for by the way down of another, which goes first
        steps = [max(step, place) for step, place in zip(steps, here, strict=True)]
    # a target out of reach of a leap must not make the step shorter than a nearer target would
    leap = climb(tables, min(climb_mw, leap_mw)) or here
    if _worth(tables, leap) > _worth(tables, steps):
        steps = list(leap)
    return [
        Move(step, voluntary=True, climbing=target if target != step else None)
        for step, target in zip(steps, wanted, strict=True)
    ]


def _worth(tables: Sequence[Table], places: Sequence[int]) -> float:
    return sum([t.candidates[p].score for t, p in zip(tables, places, strict=True)])


def _wait(
    policy: PolicyPlan, state: State, table: Table, target: int, limits: Ceilings, now_s: float
) -> Reason | None:
    """Why a voluntary move to ``target`` has to wait; None: it has not."""
    assert table.current is not None
    if limits.barred and target < table.current:
        return limits.barred
    why = too_soon(policy, state, table, now_s)
    if why is not None:
        return why
    return _too_little(policy, table, target)


def too_soon(policy: PolicyPlan, state: State, table: Table, now_s: float) -> Reason | None:
    """Dwell and bucket, which hold for everything that no limit forces; None: neither stands against a swap."""
    memory, terms = state.ladders[table.ladder.name].switch, policy.switching
    left_s = dwell_left_s(memory, terms, table.ladder.since_s, now_s)
    if left_s > 0.0:
        return reasons.dwell(left_s)
    left_s = token_left_s(memory, terms)
    return reasons.bucket(left_s, terms.max_per_hour) if left_s > 0.0 else None


def _too_little(policy: PolicyPlan, table: Table, target: int) -> Reason | None:
    """The gain over the time it will probably stand, against what the swap costs."""
    assert table.current is not None
    if policy.ladders and len(policy.ladders) > 1 and target > table.current:
        return None  # a step down that pays for another ladder's step up
    gain = table.candidates[target].score - table.candidates[table.current].score
    variant = table.ladder.variants[target]
    load_s = 0.0 if variant.resident else (variant.card.load_ms or 0.0) / 1000.0
    worth = max(abs(table.candidates[table.current].score), 1e-6)
    price = worth * (policy.switching.cost_s + LOAD_SHARE * load_s) / STAY_S
    return reasons.cost(gain, price) if 0.0 < gain < price else None


def _step(table: Table, target: int) -> int:
    """Down to ``target`` at once; up to the nearest better variant that is ready."""
    assert table.current is not None
    current = table.candidates[table.current]
    if target >= table.current:
        return target
    ready = [
        c.place
        for c in table.permitted
        if target <= c.place < table.current and c.unready is None and c.score > current.score
    ]
    return max(ready, default=target)
