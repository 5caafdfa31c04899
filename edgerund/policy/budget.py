"""One variant per ladder under a common ceiling: the multiple-choice knapsack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

KEPT = 512  # partial choices that are carried on; more ladders than that fills are thinned out
ROUNDING = 1e-9


class Option(NamedTuple):
    """One variant as the knapsack sees it. ``place`` is its index on the ladder."""

    place: int
    score: float
    cost_mw: float


Choice: TypeAlias = "tuple[Option, ...]"
_Partial: TypeAlias = "tuple[float, float, Choice]"  # cost, score, options so far


def choose(ladders: Sequence[Sequence[Option]], ceiling_mw: float) -> Choice | None:
    """The highest sum of scores whose costs fit; None where even the cheapest do not fit.

    Ladder by ladder, keeping only partial choices that are not both costlier and worse than another: exact
    (Nemhauser and Ullmann, Management Science 1969) as long as no more than ``KEPT`` of them are left.
    """
    if any(not options for options in ladders):
        return None
    if len(ladders) == 1:
        fitting = [option for option in ladders[0] if option.cost_mw <= ceiling_mw]
        return (min(fitting, key=_preference),) if fitting else None
    frontiers = [frontier(options) for options in ladders]
    cheapest_mw = [options[-1].cost_mw for options in frontiers]
    if sum(cheapest_mw) > ceiling_mw:
        return None
    best = tuple(options[0] for options in frontiers)
    if sum(option.cost_mw for option in best) <= ceiling_mw:
        return best
    partials: list[_Partial] = [(0.0, 0.0, ())]
    for index, options in enumerate(frontiers):
        # what the ladders still to come cannot do without is kept back; rounding must not lose a perfect fit
        room_mw = ceiling_mw * (1.0 + ROUNDING) - sum(cheapest_mw[index + 1 :])
        partials = _undominated(
            [
                (cost + option.cost_mw, score + option.score, (*picked, option))
                for cost, score, picked in partials
                for option in options
                if cost + option.cost_mw <= room_mw
            ]
        )
    return partials[-1][2] if partials else tuple(options[-1] for options in frontiers)


def _undominated(partials: list[_Partial]) -> list[_Partial]:
    """Rising cost, rising score; evenly thinned if there are too many."""
    partials.sort(key=lambda p: (p[0], -p[1]))
    kept: list[_Partial] = []
    best = float("-inf")
    for partial in partials:
        if partial[1] > best:
            kept.append(partial)
            best = partial[1]
    if len(kept) > KEPT:
        step = (len(kept) - 1) / (KEPT - 1)
        kept = [kept[round(i * step)] for i in range(KEPT)]
    return kept


def frontier(options: Sequence[Option]) -> tuple[Option, ...]:
    """The options that are not both costlier and worse than another, best score first."""
    kept: list[Option] = []
    for option in sorted(options, key=_preference):
        if not kept or option.cost_mw < kept[-1].cost_mw:
            kept.append(option)
    return tuple(kept)


def _preference(option: Option) -> tuple[float, float, int]:
    return -option.score, option.cost_mw, option.place


def cheapest(ladders: Sequence[Sequence[Option]]) -> Choice:
    """The least costly option of each ladder."""
    return tuple(min(options, key=lambda o: (o.cost_mw, -o.place)) for options in ladders)
