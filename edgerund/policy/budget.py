"""One variant per ladder under a common ceiling: the multiple-choice knapsack."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

ENUMERATE = 4096


@dataclass(frozen=True, slots=True)
class Option:
    """One variant as the knapsack sees it. ``place`` is its index on the ladder."""

    place: int
    score: float
    cost_mw: float


Choice: TypeAlias = "tuple[Option, ...]"


def choose(ladders: Sequence[Sequence[Option]], ceiling_mw: float) -> Choice | None:
    """The highest sum of scores whose costs fit; None where even the cheapest do not fit.

    Enumerates small cases; else bisects the price of a milliwatt (the Lagrange multiplier; Fisher 1981)
    and repairs what is left.
    """
    if any(not options for options in ladders):
        return None
    frontiers = [frontier(options) for options in ladders]
    cheapest = tuple(options[-1] for options in frontiers)
    if _cost(cheapest) > ceiling_mw:
        return None
    best = tuple(options[0] for options in frontiers)
    if _cost(best) <= ceiling_mw:
        return best
    if math.prod(len(options) for options in frontiers) <= ENUMERATE:
        fitting = (c for c in itertools.product(*frontiers) if _cost(c) <= ceiling_mw)
        return max(fitting, key=_score)
    return _repair(_bisect(frontiers, ceiling_mw), frontiers, ceiling_mw)


def frontier(options: Sequence[Option]) -> tuple[Option, ...]:
    """The options that are not both costlier and worse than another, best score first."""
    kept: list[Option] = []
    for option in sorted(options, key=lambda o: (-o.score, o.cost_mw, o.place)):
        if not kept or option.cost_mw < kept[-1].cost_mw:
            kept.append(option)
    return tuple(kept)


def cheapest(ladders: Sequence[Sequence[Option]]) -> Choice:
    """The least costly option of each ladder."""
    return tuple(min(options, key=lambda o: (o.cost_mw, -o.place)) for options in ladders)


def _cost(choice: Choice) -> float:
    return sum(option.cost_mw for option in choice)


def _score(choice: Choice) -> float:
    return sum(option.score for option in choice)


def _at_price(frontiers: Sequence[Sequence[Option]], price: float) -> Choice:
    return tuple(max(options, key=lambda o: o.score - price * o.cost_mw) for options in frontiers)


def _bisect(frontiers: Sequence[Sequence[Option]], ceiling_mw: float) -> Choice:
    low, high = 0.0, 1.0
    while _cost(_at_price(frontiers, high)) > ceiling_mw and high < 1e12:
        high *= 4.0
    for _ in range(40):
        price = (low + high) / 2.0
        if _cost(_at_price(frontiers, price)) > ceiling_mw:
            low = price
        else:
            high = price
    found = _at_price(frontiers, high)
    return found if _cost(found) <= ceiling_mw else cheapest(frontiers)


def _repair(choice: Choice, frontiers: Sequence[Sequence[Option]], ceiling_mw: float) -> Choice:
    """Spend what the price left over, best gain first."""
    picked = list(choice)
    while True:
        spare = ceiling_mw - _cost(tuple(picked))
        gains = [
            (option.score - picked[i].score, i, option)
            for i, options in enumerate(frontiers)
            for option in options
            if option.score > picked[i].score and option.cost_mw - picked[i].cost_mw <= spare
        ]
        if not gains:
            return tuple(picked)
        _, i, option = max(gains, key=lambda g: (g[0], -g[1]))
        picked[i] = option
