"""Caps on the machine's own speed: the last resort, where even the cheapest variants are too much for a safety limit.

A number of steps: the actuators in the order of the policy, each from its full value down to ``lowest``. They go
down one by one while a limit would be passed, and up again, one per ``dwell_s``, while it would be kept with room to
spare; no variant moves up before the last one is released.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgerund.policy import reasons
from edgerund.policy.candidates import Table
from edgerund.policy.ceilings import NOTHING_MW, Ceilings
from edgerund.policy.state import CapMemory
from edgerund.types import Reason
from edgerund.types.policy import Actuators

NOTHING_CAPPED = CapMemory()
DOWN_S = 2.0  # between two steps down, so that the first can show


def steps_each(terms: Actuators) -> int:
    """Steps of one actuator."""
    return max(1, math.ceil((1.0 - terms.lowest) / terms.step - 1e-9))


def shares(terms: Actuators, level: int) -> dict[str, float]:
    """The share (``lowest`` .. 1) of its full value that each actuator may have after ``level`` steps."""
    each = steps_each(terms)
    found: dict[str, float] = {}
    for place, name in enumerate(terms.caps):
        taken = min(each, max(0, level - place * each))
        found[name] = max(terms.lowest, round(1.0 - taken * terms.step, 6))
    return found


def next_caps(
    terms: Actuators,
    memory: CapMemory,
    tables: Sequence[Table],
    limits: Ceilings,
    board_mw: float,
    now_s: float,
) -> CapMemory:
    """The caps after this tick. ``board_mw`` is what the board draws with the variants that serve now."""
    if not terms.caps:
        return NOTHING_CAPPED
    most = steps_each(terms) * len(terms.caps)
    level = min(memory.level, most)
    waited_s = now_s - memory.changed_s
    why = _too_much(limits, board_mw)
    if why is not None:
        if level == most or waited_s < DOWN_S or not all(_cheapest(t) for t in tables):
            return CapMemory(level, memory.changed_s, memory.cause)
        hurry = limits.lowest(known_only=True) == NOTHING_MW
        return CapMemory(min(most, level + (2 if hurry else 1)), now_s, why.text)
    room = limits.barred is None and board_mw <= limits.lowest(climb=True, hard_only=True)
    if level and room and waited_s >= terms.dwell_s:
        return CapMemory(level - 1, now_s, memory.cause if level > 1 else "")
    return CapMemory(level, memory.changed_s, memory.cause)


def bar(terms: Actuators, memory: CapMemory) -> Reason | None:
    """Why no variant moves up while something is capped."""
    return reasons.capped(_told(terms, memory)) if memory.level else None


def notes(terms: Actuators, memory: CapMemory) -> tuple[str, ...]:
    """What is capped, as a sentence for people."""
    return (f"{_told(terms, memory)}: {memory.cause}",) if memory.level else ()


def _told(terms: Actuators, memory: CapMemory) -> str:
    capped = shares(terms, memory.level).items()
    return ", ".join(f"{name} at most {100 * s:.0f} %" for name, s in capped if s < 1.0)


def _too_much(limits: Ceilings, board_mw: float) -> Reason | None:
    """The safety limit that the board would pass; a sense that is lost is none."""
    for ceiling in sorted((c for c in limits.all if c.hard), key=lambda c: c.board_mw):
        if board_mw > ceiling.board_mw and ceiling.known:
            return ceiling.why(board_mw)
    return None


def _cheapest(table: Table) -> bool:
    usable = [c for c in table.candidates if c.blocked is None]
    if table.current is None or not usable:
        return True
    return table.current >= usable[-1].place
