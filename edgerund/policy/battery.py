"""How much energy is left, what else draws on it, and the pace that reaches the end of the mission."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgerund.types.policy import BatteryLimit

WINDOW_S = 60.0  # gauges move in whole percents: a shorter window sees only steps


@dataclass(frozen=True, slots=True)
class BatteryMemory:
    """``began_s``: when the battery became the source. ``energy_mwh``: the estimate, kept up while the gauge is lost.

    ``other_mw`` is the draw of everything that the board's rail does not see (motors, say).
    """

    began_s: float | None = None
    energy_mwh: float | None = None
    full_mwh: float | None = None
    other_mw: float = 0.0
    mark_s: float | None = None
    mark_mwh: float = 0.0
    mark_board_mwh: float = 0.0


@dataclass(frozen=True, slots=True)
class Gauge:
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
        memory = replace(memory, began_s=now_s)
    energy = _energy_mwh(memory, limit, gauge, board_mw)
    if energy is None:
        spent = (board_mw + memory.other_mw) * dt_s / 3600.0
        left = None if memory.energy_mwh is None else max(0.0, memory.energy_mwh - spent)
        return replace(memory, energy_mwh=left, mark_s=None)
    full = memory.full_mwh
    if gauge.percent is not None and gauge.percent >= 1.0:
        full = energy / gauge.percent * 100.0
    return _other(replace(memory, energy_mwh=energy, full_mwh=full), board_mw, now_s, dt_s)


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
    return max(0.0, memory.began_s + limit.mission_s - now_s)


def ceiling_mw(memory: BatteryMemory, limit: BatteryLimit, now_s: float) -> float | None:
    """The board power that reaches the end of the mission with the reserve: the pace."""
    usable = usable_mwh(memory, limit)
    remaining = left_s(memory, limit, now_s)
    if usable is None or remaining is None or remaining <= 0.0:
        return None
    return usable * 3600.0 / remaining - memory.other_mw


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
        return gauge.left_s * (board_mw + memory.other_mw) / 3600.0
    return None


def _other(memory: BatteryMemory, board_mw: float, now_s: float, dt_s: float) -> BatteryMemory:
    """Compare what the gauge lost over a window with what the board drew in it."""
    assert memory.energy_mwh is not None
    if memory.mark_s is None:
        return replace(memory, mark_s=now_s, mark_mwh=memory.energy_mwh, mark_board_mwh=0.0)
    board_mwh = memory.mark_board_mwh + board_mw * dt_s / 3600.0
    elapsed_s = now_s - memory.mark_s
    if elapsed_s < WINDOW_S:
        return replace(memory, mark_board_mwh=board_mwh)
    other = max(0.0, (memory.mark_mwh - memory.energy_mwh - board_mwh) * 3600.0 / elapsed_s)
    return replace(
        memory,
        other_mw=memory.other_mw + 0.5 * (other - memory.other_mw),
        mark_s=now_s,
        mark_mwh=memory.energy_mwh,
        mark_board_mwh=0.0,
    )
