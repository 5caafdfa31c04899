"""Which variants stay loaded within a memory budget. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgerund.types import VariantPlan

FILE_FACTOR = 4
"""Resident bytes per file byte of a variant that was never loaded here: pessimistic for CPU engines."""
UNKNOWN_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Residency:
    """``keep`` stays or becomes resident, most wanted first; whatever else is resident should go.

    ``break_first``: the live one must go before the chosen one comes, since both do not fit.
    """

    keep: tuple[str, ...]
    break_first: bool


def need_bytes(plan: VariantPlan, measured: Mapping[str, int]) -> int:
    """What a variant takes: measured by this daemon, else by its card, else guessed from the file."""
    if plan.name in measured:
        return measured[plan.name]
    if plan.card.memory_bytes is not None:
        return plan.card.memory_bytes
    if plan.card.file_bytes is not None:
        return FILE_FACTOR * plan.card.file_bytes
    return UNKNOWN_BYTES


def plan_residency(
    chosen: str,
    live: str,
    cheapest: str,
    warm: Sequence[str],
    need: Mapping[str, int],
    budget_bytes: int,
) -> Residency:
    """Decide what is resident.

    The chosen variant always is; the live one until the swap is done, if both fit; then the cheapest, because an
    emergency must not wait for a load; then ``warm``, most wanted first, as long as there is room. What is loaded
    already belongs at the end of ``warm``: it costs nothing to keep while there is room.
    """
    keep = [chosen]
    used = need[chosen]
    break_first = bool(live) and live != chosen and used + need[live] > budget_bytes
    if live and live != chosen and not break_first:
        used += need[live]
    for name in dict.fromkeys([cheapest, *warm]):
        if name in keep:
            continue
        extra = 0 if name == live and not break_first else need[name]
        if used + extra <= budget_bytes:
            keep.append(name)
            used += extra
    return Residency(tuple(keep), break_first)
