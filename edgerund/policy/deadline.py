"""Whether a variant answers in time: the deadline that holds, the chance of meeting it, the share it can serve."""

from __future__ import annotations

from typing import NamedTuple

from edgerund.policy import reasons
from edgerund.policy.chance import chance_within
from edgerund.policy.slowdown import Z99, forecast
from edgerund.policy.state import LadderMemory
from edgerund.types import LadderState, Reason
from edgerund.types.policy import LadderTerms, LatencyLimit, PolicyPlan

OPEN_LOOP_S = 600.0  # for so long after a refused frame, a variant must keep up with the clients


class Timeliness(NamedTuple):
    """The chance that a frame is served in time.

    ``unfit`` tells why that is too little; ``unready`` why it is too little for a move up. ``headroom`` is 0..1: the
    share of the deadline that 99 % of the replies leave.
    """

    chance: float = 1.0
    unfit: Reason | None = None
    unready: Reason | None = None
    headroom: float = 1.0


def limit_of(policy: PolicyPlan, terms: LadderTerms, ladder: LadderState) -> LatencyLimit | None:
    """The ladder's own deadline before the common one; what clients ask for may only tighten it."""
    limit = terms.latency or policy.latency
    asked = ladder.serving.deadline_ms
    if asked is None or asked <= 0.0:
        return limit
    if limit is None:
        return LatencyLimit(asked)
    return LatencyLimit(min(asked, limit.max_ms), limit.chance)


def timeliness(
    limit: LatencyLimit | None,
    memory: LadderMemory,
    ladder: LadderState,
    place: int,
    now_s: float,
    hysteresis: float,
    *,
    better: bool,
) -> Timeliness:
    """Chance of an answer in time, and why that is not enough: now, and (if ``better``) for a move up."""
    variant = ladder.variants[place]
    if limit is None:
        return Timeliness()
    expected = forecast(memory.latency, variant.name, variant.card)
    if expected is None:
        return _unmeasured(limit, memory, ladder, place)
    served = served_share(memory, expected.mean_ms, now_s)
    in_time = chance_within(expected, limit.max_ms)
    if served < in_time and served < limit.chance:
        why = reasons.overload(variant.name, served, memory.rate_hz, limit)
        return Timeliness(in_time * served, why, why, 0.0)
    if in_time < limit.chance:
        why = reasons.latency(variant.name, expected.mean_ms, in_time, limit)
        return Timeliness(in_time * served, why, why, 0.0)
    left = 1.0 - (expected.mean_ms + Z99 * expected.deviation_ms) / limit.max_ms
    headroom = min(1.0, max(0.0, left))
    if not better:
        return Timeliness(in_time, None, None, headroom)
    tight = chance_within(expected, limit.max_ms * (1.0 - hysteresis))
    if tight < limit.chance:
        why = reasons.latency(variant.name, expected.mean_ms, in_time, limit)
        return Timeliness(in_time, None, why, headroom)
    return Timeliness(in_time, None, None, headroom)


def served_share(memory: LadderMemory, mean_ms: float, now_s: float) -> float:
    """Share of the frames that an engine with this mean latency can serve; 1 unless clients outran one lately."""
    if memory.refused_s is None or now_s - memory.refused_s > OPEN_LOOP_S:
        return 1.0
    busy = memory.rate_hz * mean_ms / (1.0 + memory.latency.wait_ratio) / 1000.0
    return 1.0 if busy <= 1.0 else 1.0 / busy


def _unmeasured(
    limit: LatencyLimit, memory: LadderMemory, ladder: LadderState, place: int
) -> Timeliness:
    """Nobody measured it: it is worth a trial unless a cheaper variant is already too slow."""
    for cheaper in ladder.variants[place + 1 :]:
        expected = forecast(memory.latency, cheaper.name, cheaper.card)
        if expected is not None:
            chance = chance_within(expected, limit.max_ms)
            if chance < limit.chance:
                why = reasons.latency(cheaper.name, expected.mean_ms, chance, limit)
                return Timeliness(chance, why, why, 0.0)
    return Timeliness()
