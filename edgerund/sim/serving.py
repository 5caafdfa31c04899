"""How fast a variant answers, how often in time, and what it draws: a function of tick and variant alone.

Nothing here remembers the tick before, which is what lets the bound price every (tick, variant) exactly.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from edgerund.policy.bounds import at_most
from edgerund.sim.world import Truth, World


class Served(NamedTuple):
    """One variant at one tick."""

    offered_hz: float
    answered_hz: float
    infer_ms: float
    sigma: float
    waits: float
    """Share of the frames that find the engine busy and wait for part of one inference."""
    in_time: float
    """Share of the answered frames within the deadline."""
    dynamic_w: float
    """Power on top of the idle board."""
    over_current: bool

    def worth(self, accuracy: float) -> float:
        """Effective accuracy: right answers in time, per second."""
        return accuracy * self.answered_hz * self.in_time


def serve(
    world: World, tick: int, truth: Truth, deadline_ms: float, throttle: float = 1.0
) -> Served:
    """What ``truth`` does in this tick; ``throttle`` is the firmware's own slowdown.

    A ``latest`` queue: a frame waits for at most one inference in progress, a newer one replaces it, so overload
    refuses frames and never grows a backlog.
    """
    device = world.scenario.device
    slow = (1 + (world.slowdown[tick] - 1) * truth.sensitivity) * throttle
    base_w = device.idle_w + world.other_w[tick]
    rate_hz = world.rate_hz[tick]
    infer_ms = truth.latency_ms * slow
    answered_hz = at_most(rate_hz, 1000.0 / infer_ms)
    dynamic_w = truth.energy_j * answered_hz
    over = base_w + dynamic_w > world.over_current_w[tick]
    if over:
        infer_ms *= device.over_current_slowdown
        answered_hz = min(rate_hz, 1000.0 / infer_ms)
        dynamic_w = max(0.0, min(truth.energy_j * answered_hz, world.over_current_w[tick] - base_w))
    busy = rate_hz * infer_ms / 1000.0
    waits = 1.0 if busy >= 1 else busy * world.scenario.load.burstiness
    in_time = _in_time(infer_ms, truth.sigma, waits, deadline_ms)
    return Served(rate_hz, answered_hz, infer_ms, truth.sigma, waits, in_time, dynamic_w, over)


def _in_time(infer_ms: float, sigma: float, waits: float, deadline_ms: float) -> float:
    """Share within the deadline: log-normal inference after a wait that is 0, or uniform over one inference."""
    at_once = _normal_cdf(math.log(deadline_ms / infer_ms) / sigma)
    if at_once < 1e-9 or waits == 0:
        return at_once
    late = 0.0
    for part in (1 / 6, 1 / 2, 5 / 6):
        left_ms = deadline_ms - part * infer_ms
        if left_ms > 0:
            late += _normal_cdf(math.log(left_ms / infer_ms) / sigma) / 3
    return (1 - waits) * at_once + waits * late


def _normal_cdf(x: float) -> float:
    return 0.5 * (1 + math.erf(x * 0.7071067811865476))
