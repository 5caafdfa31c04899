"""What a limit leaves for the board, as power and with its reason; several of them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from edgerund.types import Reason

NOTHING_MW = -1.0  # less than any board draws: only the cheapest variants are left


@dataclass(frozen=True, slots=True)
class Ceiling:
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


@dataclass(frozen=True, slots=True)
class Ceilings:
    """All of them. ``barred``: why nothing may move up now. ``notes`` tell what absent senses changed."""

    all: tuple[Ceiling, ...] = ()
    barred: Reason | None = None
    notes: tuple[str, ...] = ()
    headroom: Mapping[str, float] = field(default_factory=dict)

    def lowest(
        self, *, climb: bool = False, hard_only: bool = False, known_only: bool = False
    ) -> float:
        """The most that the board may draw under all of them."""
        asked = [c for c in self.all if (c.hard or not hard_only) and (c.known or not known_only)]
        return min((c.climb_mw if climb else c.board_mw for c in asked), default=float("inf"))

    def leap(self) -> float:
        """The most that the board may draw after several steps up at once."""
        return min((c.leap_mw for c in self.all), default=float("inf"))

    def broken(self, board_mw: float, *, climb: bool = False) -> Reason | None:
        """Why the board may not draw ``board_mw``: the tightest ceiling above it."""
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


def impossible(why: Reason, *, known: bool = True) -> Ceiling:
    """A limit that leaves nothing but the cheapest variants."""
    return Ceiling(NOTHING_MW, NOTHING_MW, NOTHING_MW, lambda _: why, known=known)
