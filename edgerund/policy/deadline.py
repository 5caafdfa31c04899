"""Whether a variant answers in time: the deadline that holds, the chance of meeting it, the share it can serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from edgerund.policy import reasons
from edgerund.policy.bounds import within
from edgerund.policy.chance import chance_within
from edgerund.policy.slowdown import Z99, forecasts
from edgerund.policy.state import LadderMemory
from edgerund.types import LadderState, Reason
from edgerund.types.policy import LadderTerms, LatencyLimit, PolicyPlan

OPEN_LOOP_S = 600.0  # for so long after a refused frame, a variant must keep up with the clients


Timeliness: TypeAlias = "tuple[float, Reason | None, Reason | None, float | None]"
"""(chance, unfit, unready, headroom) of one variant: a plain tuple, as one is made for each at every tick.

``chance`` is that of a frame to be served in time; ``unfit`` tells why that is too little; ``unready`` why it is too
little for a move up. ``headroom`` is 0..1: the share of the deadline that 99 % of the replies leave; None without a
deadline.
"""
NO_DEADLINE: Timeliness = (1.0, None, None, None)
UNKNOWN: Timeliness = (1.0, None, None, 1.0)


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
    max_ms, asked = limit.max_ms, limit.chance
    tight_ms = max_ms * (1.0 - hysteresis)
    better = len(variants) if current is None else current  # so many are above the current one
    found: list[Timeliness] = []
    expectations = forecasts(memory.latency, variants, bases)
    for place, expected in enumerate(expectations):
        if expected is None:
            found.append(_unmeasured(limit, ladder, place, expectations))
            continue
        mean_ms, deviation_ms = expected
        in_time = chance_within(expected, max_ms)
        served = served_share(memory, mean_ms) if open_loop else 1.0
        if served < asked or in_time < asked:
            found.append(_late(limit, memory, variants[place].name, mean_ms, in_time, served))
            continue
        unready = None
        if place < better and chance_within(expected, tight_ms) < asked:
            unready = reasons.latency(variants[place].name, mean_ms, in_time, limit)
        left = within(0.0, 1.0 - (mean_ms + Z99 * deviation_ms) / max_ms, 1.0)
        found.append((in_time, None, unready, left))
    return found


def served_share(memory: LadderMemory, mean_ms: float) -> float:
    """Share of the frames that an engine with this mean latency can serve."""
    busy = memory.rate_hz * mean_ms / (1.0 + memory.latency.wait_ratio) / 1000.0
    return 1.0 if busy <= 1.0 else 1.0 / busy


def _late(
    limit: LatencyLimit,
    memory: LadderMemory,
    variant: str,
    mean_ms: float,
    in_time: float,
    served: float,
) -> Timeliness:
    if served < in_time and served < limit.chance:
        why = reasons.overload(variant, served, memory.rate_hz, limit)
    else:
        why = reasons.latency(variant, mean_ms, in_time, limit)
    return in_time * served, why, why, 0.0


def _unmeasured(
    limit: LatencyLimit,
    ladder: LadderState,
    place: int,
    expectations: Sequence[tuple[float, float] | None],
) -> Timeliness:
    """Nobody measured it: it is worth a trial unless a cheaper variant is already too slow."""
    for cheaper, expected in list(zip(ladder.variants, expectations, strict=True))[place + 1 :]:
        if expected is not None:
            chance = chance_within(expected, limit.max_ms)
            if chance < limit.chance:
                why = reasons.latency(cheaper.name, expected[0], chance, limit)
                return chance, why, why, 0.0
    return UNKNOWN
