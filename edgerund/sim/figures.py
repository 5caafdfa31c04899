"""What the worker would have counted in one tick: the same quantiles, with the scatter of a finite sample."""

from __future__ import annotations

import math
import random

from edgerund.policy.bounds import at_least
from edgerund.sim.serving import Served
from edgerund.sim.world import DT_S, Truth
from edgerund.types import ServingFigures


def figures(
    truth: Truth, served: Served, away: bool, asked_ms: float | None, rng: random.Random
) -> ServingFigures:
    """Figures of one tick. Quantiles of the log-normal inference and of the wait before it, combined."""
    answered = 0 if away else int(served.answered_hz * DT_S + rng.random())
    refused = max(0, int(served.offered_hz * DT_S + 0.5) - answered)
    if answered == 0:
        return ServingFigures(
            variant=truth.name, window_s=DT_S, refused=refused, deadline_ms=asked_ms
        )
    sigma, waits = served.sigma, served.waits
    noise = sigma / math.sqrt(answered)
    middle = served.infer_ms * (1 + noise * rng.gauss(0.0, 1.0))
    scatter = 1 + noise * rng.gauss(0.0, 1.0)
    mean = middle * (1 + sigma * sigma / 2)
    tail_95, tail_99 = math.exp(1.645 * sigma), math.exp(2.326 * sigma)
    return ServingFigures(
        variant=truth.name,
        window_s=DT_S,
        answered=answered,
        refused=refused,
        queue_depth=1 if waits >= 1 else 0,
        latency_ms_mean=mean * (1 + waits / 2),
        latency_ms_p50=middle * _late(waits, 0.50, 1.0),
        latency_ms_p95=middle * scatter * _late(waits, 0.05, tail_95),
        latency_ms_p99=middle * scatter * _late(waits, 0.01, tail_99),
        infer_ms_mean=mean,
        infer_ms_p50=middle,
        infer_ms_p99=middle * scatter * tail_99,
        deadline_ms=asked_ms,
    )


def _late(waits: float, tail: float, own: float) -> float:
    """The (1 - tail) quantile over the median inference: the longer of the waiting tail and the engine's own."""
    wait = 1 - tail / waits if waits > tail else 0.0
    return at_least(1 + wait, own)
