"""Whether a variant answers in time: the deadline that holds, the chance of meeting it, the share it can serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edgerund.policy import reasons
from edgerund.policy.chance import chance_within
from edgerund.policy.slowdown import Z99, LatencyForecast, forecasts
from edgerund.policy.state import LadderMemory
from edgerund.types import LadderState, Reason
from edgerund.types.policy import LadderTerms, LatencyLimit, PolicyPlan

OPEN_LOOP_S = 600.0  # for so long after a refused frame, a variant must keep up with the clients


class Timeliness(NamedTuple):
    """The chance that a frame is served in time.

    ``unfit`` tells why that is too little; ``unready`` why it is too little for a move up. ``headroom`` is 0..1: the
    share of the deadline that 99 % of the replies leave; None without a deadline.
    """

    chance: float = 1.0
    unfit: Reason | None = None
    unready: Reason | None = None
    headroom: float | None = None


NO_DEADLINE = Timeliness()
UNKNOWN = Timeliness(headroom=1.0)


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
    bases: Sequence[float | None],
    current: int | None,
    hysteresis: float,
    now_s: float,
) -> Sequence[Timeliness]:
    """Of each variant: the chance of an answer in time, and why that is not enough, now and for a move up."""
    variants = ladder.variants
    if limit is None:
        return [NO_DEADLINE] * len(variants)
    open_loop = memory.refused_s is not None and now_s - memory.refused_s <= OPEN_LOOP_S
    tight_ms = limit.max_ms * (1.0 - hysteresis)
    found: list[Timeliness] = []
    expectations = forecasts(memory.latency, variants, bases)
    for place, expected in enumerate(expectations):
        if expected is None:
            found.append(_unmeasured(limit, ladder, place, expectations))
            continue
        in_time = chance_within(expected, limit.max_ms)
        served = served_share(memory, expected.mean_ms) if open_loop else 1.0
        if served < limit.chance or in_time < limit.chance:
            found.append(_late(limit, memory, variants[place].name, expected, in_time, served))
            continue
        left = 1.0 - (expected.mean_ms + Z99 * expected.deviation_ms) / limit.max_ms
        better = current is None or place < current
        unready = None
        if better and chance_within(expected, tight_ms) < limit.chance:
            unready = reasons.latency(variants[place].name, expected.mean_ms, in_time, limit)
        found.append(Timeliness(in_time, None, unready, min(1.0, max(0.0, left))))
    return found


def served_share(memory: LadderMemory, mean_ms: float) -> float:
    """Share of the frames that an engine with this mean latency can serve."""
    busy = memory.rate_hz * mean_ms / (1.0 + memory.latency.wait_ratio) / 1000.0
    return 1.0 if busy <= 1.0 else 1.0 / busy


def _late(
    limit: LatencyLimit,
    memory: LadderMemory,
    variant: str,
    expected: LatencyForecast,
    in_time: float,
    served: float,
) -> Timeliness:
    if served < in_time and served < limit.chance:
        why = reasons.overload(variant, served, memory.rate_hz, limit)
    else:
        why = reasons.latency(variant, expected.mean_ms, in_time, limit)
    return Timeliness(in_time * served, why, why, 0.0)


def _unmeasured(
    limit: LatencyLimit,
    ladder: LadderState,
    place: int,
    expectations: Sequence[LatencyForecast | None],
) -> Timeliness:
    """Nobody measured it: it is worth a trial unless a cheaper variant is already too slow."""
    for cheaper, expected in list(zip(ladder.variants, expectations, strict=True))[place + 1 :]:
        if expected is not None:
            chance = chance_within(expected, limit.max_ms)
            if chance < limit.chance:
                why = reasons.latency(cheaper.name, expected.mean_ms, chance, limit)
                return Timeliness(chance, why, why, 0.0)
    return UNKNOWN
