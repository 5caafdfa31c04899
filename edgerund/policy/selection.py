"""Which variant each ladder should have: the objective under all limits, and what gives way when nothing fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgerund.policy.budget import choose
from edgerund.policy.candidates import Candidate, Table, usable_of


def select(tables: Sequence[Table], all_mw: float, hard_mw: float) -> tuple[int, ...]:
    """The best place of each ladder.

    ``all_mw`` and ``hard_mw`` are what the models may draw by their cards under every limit, and under the safety
    limits alone. When not everything can be kept, it gives way in this order: the accuracy floor, the deadline,
    the battery's pace, rules and holds. Safety limits never do: what is left then is the cheapest variant.
    """
    picked = choose([options(t) for t in tables], all_mw)
    if picked is None and any(_has_floor(t) for t in tables):
        picked = choose([_closest(t) for t in tables], all_mw)
    if picked is None:
        thrifty = [options(t) if t.held else [_bottom(t.permitted)] for t in tables]
        picked = choose(thrifty, hard_mw)
    if picked is None:
        usable = [_below(t, _bottom(t.permitted)) for t in tables]
        picked = choose(usable, hard_mw) or tuple([_bottom(below) for below in usable])
    return _places(picked)


def climb(tables: Sequence[Table], climb_mw: float) -> tuple[int, ...] | None:
    """The best places that are worth moving to, each with the hysteresis kept; None: stay."""
    picked = choose([_ready(t) for t in tables], climb_mw)
    return _places(picked) if picked is not None else None


def _ready(table: Table) -> Sequence[Candidate]:
    """The current variant and those it may move up to; below the floor every step towards it counts."""
    current = None if table.current is None else table.candidates[table.current]
    if current is not None and _below_floor(current):
        return [
            replace(c, score=c.closeness)
            for c in table.permitted
            if c is current or c.unready is None or c.unready.code == "floor"
        ]
    return [c for c in table.permitted if c.place == table.current or c.unready is None]


def _has_floor(table: Table) -> bool:
    return any(_below_floor(c) for c in table.candidates)


def _below_floor(candidate: Candidate) -> bool:
    return candidate.unfit is not None and candidate.unfit.code == "floor"


def _closest(table: Table) -> Sequence[Candidate]:
    """Where the floor cannot be kept: everything that answers in time, by how close it comes."""
    in_time = [c for c in table.permitted if c.unfit is None or _below_floor(c)]
    if table.held or not in_time:
        return options(table)
    return [replace(c, score=c.closeness) for c in in_time]


def options(table: Table) -> Sequence[Candidate]:
    """What one ladder offers to the common choice."""
    candidates = table.permitted
    if table.held:
        return candidates
    fit = [c for c in candidates if c.unfit is None]
    if fit:
        return fit
    in_time = [c for c in candidates if c.unfit is not None and c.unfit.code == "floor"]
    if in_time:
        return [max(in_time, key=lambda c: (c.accuracy, -c.place))]
    return [max(candidates, key=lambda c: (round(c.chance, 6), c.place))]


def _below(table: Table, least: Candidate) -> Sequence[Candidate]:
    usable = usable_of(table.candidates, table.current)
    return [c for c in usable if c.place >= least.place] or usable


def _bottom(candidates: Sequence[Candidate]) -> Candidate:
    """The lowest on the ladder.

    Not the least load: where clients send as fast as they are answered, a faster variant may draw more than a
    slower one above it, and then more heat would mean a step up.
    """
    return max(candidates, key=lambda c: c.place)


def _places(choice: Sequence[Candidate]) -> tuple[int, ...]:
    return tuple([candidate.place for candidate in choice])
