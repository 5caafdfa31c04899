"""One variant per ladder under a common ceiling: the multiple-choice knapsack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias, TypeVar

KEPT = 512  # partial choices that are carried on; more ladders than that fills are thinned out
ROUNDING = 1e-9


class Option(Protocol):
    """One variant as the knapsack sees it. ``place`` is its index on the ladder, ``load_mw`` its cost."""

    @property
    def place(self) -> int: ...

    @property
    def score(self) -> float: ...

    @property
    def load_mw(self) -> float: ...


Item = TypeVar("Item", bound=Option)
_Partial: TypeAlias = "tuple[float, float, tuple[Item, ...]]"  # cost, score, options so far


def choose(ladders: Sequence[Sequence[Item]], ceiling_mw: float) -> tuple[Item, ...] | None:
    """The highest sum of scores whose costs fit; None where even the cheapest do not fit.

    Ladder by ladder, keeping only partial choices that are not both costlier and worse than another: exact
    (Nemhauser and Ullmann, Management Science 1969) as long as no more than ``KEPT`` of them are left.
    """
    if any(not options for options in ladders):
        return None
    if len(ladders) == 1:
        return _preferred(ladders[0], ceiling_mw)
    frontiers = [frontier(options) for options in ladders]
    cheapest_mw = [options[-1].load_mw for options in frontiers]
    if sum(cheapest_mw) > ceiling_mw:
        return None
    best = tuple(options[0] for options in frontiers)
    if sum(option.load_mw for option in best) <= ceiling_mw:
        return best
    partials: list[_Partial[Item]] = [(0.0, 0.0, ())]
    for index, options in enumerate(frontiers):
        # what the ladders still to come cannot do without is kept back; rounding must not lose a perfect fit
        room_mw = ceiling_mw * (1.0 + ROUNDING) - sum(cheapest_mw[index + 1 :])
        partials = _undominated(
            [
                (cost + option.load_mw, score + option.score, (*picked, option))
                for cost, score, picked in partials
                for option in options
                if cost + option.load_mw <= room_mw
            ]
        )
    return partials[-1][2] if partials else tuple(options[-1] for options in frontiers)


def _preferred(options: Sequence[Item], ceiling_mw: float) -> tuple[Item] | None:
    """The best option that fits: the highest score, then the least cost, then the better place."""
    best: Item | None = None
    for option in options:
        if option.load_mw > ceiling_mw:
            continue
        if best is None or option.score > best.score:
            best = option
        elif option.score == best.score:
            best = min(best, option, key=_preference)
    return None if best is None else (best,)


def _undominated(partials: list[_Partial[Item]]) -> list[_Partial[Item]]:
    """Rising cost, rising score; evenly thinned if there are too many."""
    partials.sort(key=lambda p: (p[0], -p[1]))
    kept: list[_Partial[Item]] = []
    best = float("-inf")
    for partial in partials:
        if partial[1] > best:
            kept.append(partial)
            best = partial[1]
    if len(kept) > KEPT:
        step = (len(kept) - 1) / (KEPT - 1)
        kept = [kept[round(i * step)] for i in range(KEPT)]
    return kept


def frontier(options: Sequence[Item]) -> tuple[Item, ...]:
    """The options that are not both costlier and worse than another, best score first."""
    kept: list[Item] = []
    for option in sorted(options, key=_preference):
        if not kept or option.load_mw < kept[-1].load_mw:
            kept.append(option)
    return tuple(kept)


def _preference(option: Option) -> tuple[float, float, int]:
    return -option.score, option.load_mw, option.place
