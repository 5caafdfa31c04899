"""How much energy is left, what else draws on it, and the pace that reaches the end of the mission."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from edgerund.policy.bounds import at_least, at_most
from edgerund.types.policy import BatteryLimit

WINDOW_S, LONGEST_WINDOW_S = 30.0, 600.0
COARSE_SHARE = 0.025  # a gauge that moves in whole percents must have moved this far to tell a draw
WINDOWS_KEPT = 40
BELIEF = 10.0  # a draw is believed to go on for at most this many times as long as it was seen
LASTS_S = 90.0  # a draw unlike the usual one (a climb, a gust) is expected to last this long


class BatteryMemory(NamedTuple):
    """``began_s``: when the battery became the source. ``energy_mwh``: the estimate, kept up while the gauge is lost.

    ``others_mw`` is the draw of everything that the board's rail does not see (motors, say), window by window.
    """

    began_s: float | None = None
    energy_mwh: float | None = None
    full_mwh: float | None = None
    others_mw: tuple[float, ...] = ()
    mark_s: float | None = None
    mark_mwh: float = 0.0
    mark_board_mwh: float = 0.0


class Gauge(NamedTuple):
    """What the battery senses say; None: not known."""

    percent: float | None = None
    energy_mwh: float | None = None
    left_s: float | None = None
    on_mains: bool = False


def observe(
    memory: BatteryMemory,
    limit: BatteryLimit,
    gauge: Gauge,
    board_mw: float,
    now_s: float,
    dt_s: float,
) -> BatteryMemory:
    """Feed one look at the gauge, with what the board drew since the last."""
    if gauge.on_mains:
        return BatteryMemory(full_mwh=memory.full_mwh)
    if memory.began_s is None:
        memory = memory._replace(began_s=now_s)
    energy = _energy_mwh(memory, limit, gauge, board_mw)
    if energy is None:
        spent = (board_mw + usual_mw(memory)) * dt_s / 3600.0
        left = None if memory.energy_mwh is None else max(0.0, memory.energy_mwh - spent)
        return memory._replace(energy_mwh=left, mark_s=None)
    full = memory.full_mwh
    if gauge.percent is not None and gauge.percent >= 1.0:
        full = energy / gauge.percent * 100.0
    board_mwh = memory.mark_board_mwh + board_mw * dt_s / 3600.0
    memory = BatteryMemory(
        memory.began_s,
        energy,
        full,
        memory.others_mw,
        memory.mark_s,
        memory.mark_mwh,
        board_mwh,
    )
    return _other(memory, gauge.energy_mwh is None, now_s)


def emptier(
    one: BatteryMemory, other: BatteryMemory, limit: BatteryLimit, now_s: float
) -> BatteryMemory:
    """Whichever leaves less: nothing above the reserve, else the lower pace, else less energy."""
    return min(one, other, key=lambda memory: _left(memory, limit, now_s))


def _left(memory: BatteryMemory, limit: BatteryLimit, now_s: float) -> tuple[bool, float, float]:
    usable = usable_mwh(memory, limit)
    pace_mw = ceiling_mw(memory, usable, left_s(memory, limit, now_s))
    return (
        usable is None or usable > 0.0,
        math.inf if pace_mw is None else pace_mw,
        math.inf if usable is None else usable,
    )


def usual_mw(memory: BatteryMemory) -> float:
    """What the rest usually draws: the median window, a little below it while there are few."""
    return _usual_mw(memory.others_mw)


@lru_cache(maxsize=64)
def _usual_mw(windows_mw: tuple[float, ...]) -> float:
    if not windows_mw:
        return 0.0
    ranked = sorted(windows_mw)
    return ranked[(len(ranked) - 1) // (3 if len(ranked) < 6 else 2)]


def other_mw(memory: BatteryMemory, ahead_s: float) -> float:
    """What the rest will draw on average over ``ahead_s``: what it draws now for a while, then the usual.

    What was seen for a moment only (a take-off) is not believed to go on for an hour.
    """
    if not memory.others_mw:
        return 0.0
    ahead_s = at_least(1.0, ahead_s)
    seen_s = len(memory.others_mw) * WINDOW_S
    usual = usual_mw(memory) * at_most(1.0, BELIEF * seen_s / ahead_s)
    return usual + (memory.others_mw[-1] - usual) * at_most(1.0, LASTS_S / ahead_s)


def usable_mwh(memory: BatteryMemory, limit: BatteryLimit) -> float | None:
    """Energy above the reserve; None if it cannot be told."""
    if memory.energy_mwh is None:
        return None
    full = limit.capacity_mwh or memory.full_mwh
    if full is None:
        return memory.energy_mwh if limit.reserve_percent == 0.0 else None
    return memory.energy_mwh - full * limit.reserve_percent / 100.0


def left_s(memory: BatteryMemory, limit: BatteryLimit, now_s: float) -> float | None:
    """Time to the end of the mission; None: it has no end, 0: it is over."""
    if limit.mission_s is None or memory.began_s is None:
        return None
    return at_least(0.0, memory.began_s + limit.mission_s - now_s)


def ceiling_mw(
    memory: BatteryMemory, usable_mwh: float | None, left_s: float | None
) -> float | None:
    """The board power that uses up ``usable_mwh`` at the end of the mission, in ``left_s``: the pace."""
    if usable_mwh is None or left_s is None or left_s <= 0.0:
        return None
    return usable_mwh * 3600.0 / left_s - other_mw(memory, left_s)


def _energy_mwh(
    memory: BatteryMemory, limit: BatteryLimit, gauge: Gauge, board_mw: float
) -> float | None:
    if gauge.energy_mwh is not None:
        return gauge.energy_mwh
    full = limit.capacity_mwh
    if gauge.percent is not None and full is not None:
        return full * gauge.percent / 100.0
    if gauge.percent is not None and memory.full_mwh is not None:
        return memory.full_mwh * gauge.percent / 100.0
    if gauge.left_s is not None and gauge.left_s > 0.0:
        return gauge.left_s * (board_mw + usual_mw(memory)) / 3600.0
    return None


def _other(memory: BatteryMemory, coarse: bool, now_s: float) -> BatteryMemory:
    """Compare what the gauge lost over a window with what the board drew in it."""
    assert memory.energy_mwh is not None
    if memory.mark_s is None:
        return memory._replace(mark_s=now_s, mark_mwh=memory.energy_mwh, mark_board_mwh=0.0)
    elapsed_s = now_s - memory.mark_s
    lost_mwh = memory.mark_mwh - memory.energy_mwh
    enough = not coarse or lost_mwh >= COARSE_SHARE * (memory.full_mwh or 0.0)
    if elapsed_s < WINDOW_S or (not enough and elapsed_s < LONGEST_WINDOW_S):
        return memory
    other = max(0.0, (lost_mwh - memory.mark_board_mwh) * 3600.0 / elapsed_s)
    return memory._replace(
        others_mw=(*memory.others_mw, other)[-WINDOWS_KEPT:],
        mark_s=now_s,
        mark_mwh=memory.energy_mwh,
        mark_board_mwh=0.0,
    )
