"""The thermal estimator: a bank of filters, each a fast node on a slow one, weighed by how well it forecast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from edgerund.policy import filters
from edgerund.policy.filters import Filter

HEAT_C_PER_W = 4.0
TAU_S = 110.0
# (share of tau, how restless the disturbance is in C per square root of a second)
MEMBERS = ((0.55, 0.03), (1.0, 0.1), (2.2, 0.05))
FAST_TAU_S = 6.0
SETTLE_S = 20.0
ERRORS_KEPT = 90
SCORE_EVERY_S = 2.0
FORGET = 0.03  # share of a member's score that one forecast that came due replaces
FIRST_MARGIN_C = 3.0  # until enough forecasts came due
NOTICED_MW = 100.0  # steps of the models' power that forecasts already made are corrected for


class Due(NamedTuple):
    """A forecast made earlier: when it comes due, and what each member (and the mean) said."""

    at_s: float
    members_c: tuple[float, ...]
    mean_c: float


class ThermalMemory(NamedTuple):
    """The bank of filters, and what its members are worth.

    ``power_mw`` is the models' power, counted from the first reading; ``fast_w`` follows it; ``load_mw`` is the same
    by the cards. ``stepped_s`` is when the models' power last changed noticeably.
    Only power that the models take is an input: a rail is too restless for that (times 4 C per watt, its noise
    would drown the temperature), and what others draw shows as disturbance.

    ``weights`` and ``margin_c`` are brought up to date one tick late (``stale_weights``): they come from the
    forecasts that were due *before* the last reading, so that a hotter
    reading always makes a hotter forecast.
    """

    bank: tuple[Filter, ...] = ()
    weights: tuple[float, ...] = ()
    load_mw: float = 0.0
    fast_w: float = 0.0
    power_mw: float = 0.0
    stepped_s: float = -1e9
    scores: tuple[float, ...] = ()
    due: tuple[Due, ...] = ()
    errors: tuple[float, ...] = ()
    margin_c: float = FIRST_MARGIN_C
    stale_weights: bool = False

    @property
    def ready(self) -> bool:
        """A temperature was seen."""
        return bool(self.bank)


def begin(
    temp_c: float, load_mw: float, heat_c_per_w: float | None, tau_s: float | None
) -> ThermalMemory:
    """The bank at the first reading; ``None``: nobody measured the board."""
    tau = tau_s or TAU_S
    heat = heat_c_per_w or HEAT_C_PER_W
    doubt = (0.15 if heat_c_per_w else 0.3) * heat
    bank = tuple(filters.begin(share * tau, drift, temp_c, heat, doubt) for share, drift in MEMBERS)
    return ThermalMemory(
        bank,
        weights=(1.0 / len(bank),) * len(bank),
        scores=(0.25,) * len(bank),
        load_mw=load_mw,
    )


def observe(
    memory: ThermalMemory,
    temp_c: float | None,
    step_mw: float,
    load_mw: float,
    now_s: float,
    dt_s: float,
    *,
    old: bool = False,
) -> ThermalMemory:
    """Advance by ``dt_s`` after a step of the models' power; ``temp_c`` None: the model alone.

    An ``old`` reading counts only where it is hotter than the model: unknown may only lower the variant.
    """
    old_bank, weights, _, fast_w, power_mw, stepped_s, scores, due, errors, margin_c, stale = memory
    power_mw += step_mw
    power_w, step_w = power_mw / 1000.0, step_mw / 1000.0
    fast_w = power_w + (fast_w - power_w) * math.exp(-dt_s / FAST_TAU_S)
    if abs(step_mw) >= NOTICED_MW:
        stepped_s, due = now_s, _shifted(memory, step_w, now_s)
    bank = [filters.predict(f, dt_s, step_w) for f in old_bank]
    if temp_c is not None:
        settled = now_s - stepped_s >= SETTLE_S
        bank = [
            f
            if old and temp_c <= f.slow_c + filters.FAST_SHARE * fast_w * f.heat
            else filters.correct(f, temp_c, fast_w, power_w, settled)
            for f in bank
        ]
    return ThermalMemory(
        tuple(bank),
        weights,
        load_mw,
        fast_w,
        power_mw,
        stepped_s,
        scores,
        due,
        errors,
        margin_c,
        stale,
    )


def weighted(memory: ThermalMemory) -> ThermalMemory:
    """With weights and margin up to date, also where no reading comes."""
    if not memory.stale_weights:
        return memory
    return memory._replace(
        weights=_weights(memory.scores), margin_c=_margin(memory.errors), stale_weights=False
    )


def score(memory: ThermalMemory, temp_c: float, now_s: float, horizon_s: float) -> ThermalMemory:
    """Compare the forecasts that are due with ``temp_c``, then make new ones."""
    bank, weights, load, fast_w, power_mw, stepped_s, scores, waiting, errors, margin, stale = (
        memory
    )
    came_due = bool(waiting) and waiting[0].at_s <= now_s
    make_new = not waiting or now_s + horizon_s - waiting[-1].at_s >= SCORE_EVERY_S
    if not (came_due or make_new or stale):
        return memory
    if stale:
        weights, margin = _weights(scores), _margin(errors)
    while waiting and waiting[0].at_s <= now_s:
        first, waiting = waiting[0], waiting[1:]
        scores = tuple(
            [
                s + FORGET * (abs(temp_c - c) - s)
                for s, c in zip(scores, first.members_c, strict=True)
            ]
        )
        errors = (*errors, temp_c - first.mean_c)[-ERRORS_KEPT:]
    if make_new:
        waiting = (*waiting, _due(memory, now_s, horizon_s))
    return ThermalMemory(
        bank,
        weights,
        load,
        fast_w,
        power_mw,
        stepped_s,
        scores,
        waiting,
        errors,
        margin,
        came_due,
    )


def _shifted(memory: ThermalMemory, step_w: float, now_s: float) -> tuple[Due, ...]:
    """The forecasts made earlier, as they would be had the step been known."""
    shifted = []
    for due in memory.due:
        ahead_s = max(0.0, due.at_s - now_s)
        left = math.exp(-ahead_s / FAST_TAU_S)
        rises = [step_w * filters.line(f, ahead_s, 0.0, 0.0, left)[1] for f in memory.bank]
        members = [c + rise for c, rise in zip(due.members_c, rises, strict=True)]
        mean = due.mean_c + sum([w * rise for w, rise in zip(memory.weights, rises, strict=True)])
        shifted.append(Due(due.at_s, tuple(members), mean))
    return tuple(shifted)


def _due(memory: ThermalMemory, now_s: float, horizon_s: float) -> Due:
    watts = memory.power_mw / 1000.0
    left = math.exp(-horizon_s / FAST_TAU_S)
    members = [filters.line(f, horizon_s, memory.fast_w, watts, left)[0] for f in memory.bank]
    mean = sum([w * c for w, c in zip(memory.weights, members, strict=True)])
    return Due(now_s + horizon_s, tuple(members), mean)


def _weights(scores: Sequence[float]) -> tuple[float, ...]:
    """Members count by the fourth power of how well they forecast."""
    raw = [(s + 0.02) ** -4 for s in scores]
    total = sum(raw)
    return tuple(r / total for r in raw)


def _margin(errors: Sequence[float]) -> float:
    """1 C and the 95th percentile of how much hotter it recently became than forecast."""
    if len(errors) < 10:
        return FIRST_MARGIN_C
    ranked = sorted(errors)
    return 1.0 + max(0.0, ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))])
