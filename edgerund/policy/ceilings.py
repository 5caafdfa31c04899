"""What a limit leaves for the board, as power and with its reason; several of them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from edgerund.policy.bounds import at_most
from edgerund.types import Reason

NOTHING_MW = -1.0  # less than any board draws: only the cheapest variants are left
ANYTHING_MW = float("inf")


class Ceiling(NamedTuple):
    """The board may draw ``board_mw``; for a step up, only ``climb_mw``; for several at once, ``leap_mw``.

    ``hard`` limits come before holds and rules; ``known`` ones are limits, not the loss of a sense. ``why`` tells
    what goes wrong at a given board power, ``why_climb`` the same for a step up.
    """

    board_mw: float
    climb_mw: float
    leap_mw: float
    why: Callable[[float], Reason]
    hard: bool = True
    why_climb: Callable[[float], Reason] | None = None
    known: bool = True


class Ceilings(NamedTuple):
    """All of them, and the lowest of each kind; ``hard_mw`` is the lowest among the hard ones.

    ``barred``: why nothing may move up now. ``notes`` tell what absent senses changed.
    """

    all: tuple[Ceiling, ...]
    barred: Reason | None
    notes: tuple[str, ...]
    headroom: Mapping[str, float]
    board_mw: float
    hard_mw: float
    climb_mw: float
    leap_mw: float

    def lowest(
        self, *, climb: bool = False, hard_only: bool = False, known_only: bool = False
    ) -> float:
        """The most that the board may draw under all of them, or under these alone."""
        asked = [c for c in self.all if (c.hard or not hard_only) and (c.known or not known_only)]
        return min((c.climb_mw if climb else c.board_mw for c in asked), default=ANYTHING_MW)

    def broken(self, board_mw: float, *, climb: bool = False) -> Reason | None:
        """Why the board may not draw ``board_mw``: the tightest ceiling above it."""
        if board_mw <= (self.climb_mw if climb else self.board_mw):
            return None
        over = [c for c in self.all if board_mw > (c.climb_mw if climb else c.board_mw)]
        if not over:
            return None
        tightest = min(over, key=lambda c: c.climb_mw if climb else c.board_mw)
        if board_mw > tightest.board_mw:
            return tightest.why(board_mw)
        if tightest.why_climb is not None:
            return tightest.why_climb(board_mw)
        reason = tightest.why(board_mw)
        more = f"; a step up must stay below {tightest.climb_mw:.0f} mW"
        return replace(reason, text=reason.text + more)


def together(
    found: Sequence[Ceiling],
    barred: Reason | None,
    notes: Sequence[str],
    headroom: Mapping[str, float],
) -> Ceilings:
    """All of ``found``."""
    lowest = lowest_hard = lowest_climb = lowest_leap = ANYTHING_MW
    for board_mw, climb_mw, leap_mw, _, hard, _, _ in found:
        lowest = at_most(lowest, board_mw)
        lowest_climb = at_most(lowest_climb, climb_mw)
        lowest_leap = at_most(lowest_leap, leap_mw)
        if hard:
            lowest_hard = at_most(lowest_hard, board_mw)
    return Ceilings(
        tuple(found),
        barred,
        tuple(notes),
        headroom,
        lowest,
        lowest_hard,
        lowest_climb,
        lowest_leap,
    )


def impossible(why: Reason, *, known: bool = True) -> Ceiling:
    """A limit that leaves nothing but the cheapest variants."""
    return Ceiling(NOTHING_MW, NOTHING_MW, NOTHING_MW, lambda _: why, known=known)
