"""What the board draws: idle + gain x the cards' energy x rate, fitted to the measured rail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edgerund.policy.bounds import at_least, at_most, within
from edgerund.types import Card

ACTIVE_MW = 3000.0  # an inference without a card figure is taken to cost this much while it runs
IDLE_MW = 2000.0  # a board that nobody measured, until its rail says otherwise
MAX_GAIN, MIN_GAIN = 10.0, 0.1


class PowerMemory(NamedTuple):
    """Two-state Kalman filter: measured = idle + gain x active.

    ``p_*`` is its covariance. ``seen`` says that a rail was ever read; without one, idle and gain are the
    board's or the defaults.
    """

    idle_mw: float = IDLE_MW
    gain: float = 1.0
    p_idle: float = 1e8
    p_cross: float = 0.0
    p_gain: float = 0.25
    seen: bool = False


def energies_mj(cards: Sequence[Card], learned_ms: Sequence[float | None]) -> tuple[float, ...]:
    """Energy above idle of one inference of each variant, best first.

    A missing figure is latency x a typical active power, scaled like the variants that were measured;
    without a latency either, each step down the ladder is taken to save 30 %.
    """
    energies: list[float] = []
    scale: float | None = None
    for card, ms in zip(cards, learned_ms, strict=True):
        if card.energy_mj is not None and card.energy_mj >= 0.0:
            energies.append(card.energy_mj)
        elif ms:
            scale = _scale(cards, learned_ms) if scale is None else scale
            energies.append(scale * ms * ACTIVE_MW / 1000.0)
        else:
            energies.append(energies[-1] * 0.7 if energies else 100.0)
    return tuple(energies)


def _scale(cards: Sequence[Card], learned_ms: Sequence[float | None]) -> float:
    pairs = [
        (card.energy_mj, ms * ACTIVE_MW / 1000.0)
        for card, ms in zip(cards, learned_ms, strict=True)
        if card.energy_mj and ms
    ]
    return sum(e for e, _ in pairs) / sum(m for _, m in pairs) if pairs else 1.0


def observe(memory: PowerMemory, measured_mw: float, active_mw: float, dt_s: float) -> PowerMemory:
    """Feed one reading of the rail, taken while the models drew ``active_mw`` by their cards.

    With a steady load the split between idle and gain cannot be seen; the prior on the gain (1, by the cards)
    then holds, and idle takes the rest.
    """
    if not memory.seen:
        idle = max(0.0, measured_mw - memory.gain * active_mw)
        memory = memory._replace(seen=True, idle_mw=idle, p_idle=(0.1 * measured_mw + 100.0) ** 2)
    level = 0.01 * measured_mw + 10.0
    p_idle = memory.p_idle + level * level * dt_s
    p_gain = at_most(1.0, memory.p_gain + 1e-5 * dt_s)
    noise = (0.03 * measured_mw + 20.0) ** 2
    # innovation of H = (1, active)
    s = p_idle + 2.0 * active_mw * memory.p_cross + active_mw * active_mw * p_gain + noise
    k_idle = (p_idle + active_mw * memory.p_cross) / s
    k_gain = (memory.p_cross + active_mw * p_gain) / s
    error = measured_mw - (memory.idle_mw + memory.gain * active_mw)
    cross = memory.p_cross - k_idle * (memory.p_cross + active_mw * p_gain)
    return PowerMemory(
        at_least(0.0, memory.idle_mw + k_idle * error),
        within(MIN_GAIN, memory.gain + k_gain * error, MAX_GAIN),
        at_least(1.0, p_idle - k_idle * (p_idle + active_mw * memory.p_cross)),
        cross,
        at_least(1e-6, p_gain - k_gain * (memory.p_cross + active_mw * p_gain)),
        True,
    )


def total_mw(memory: PowerMemory, active_mw: float) -> float:
    """Board power while the models draw ``active_mw`` by their cards."""
    return memory.idle_mw + memory.gain * active_mw


def active_for_mw(memory: PowerMemory, board_mw: float) -> float:
    """The inverse of ``total_mw``: how much the models may draw by their cards."""
    return (board_mw - memory.idle_mw) / memory.gain
