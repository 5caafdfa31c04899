"""The chance that a reply meets its deadline."""

from __future__ import annotations

import math

ROOT_2 = math.sqrt(2.0)


def chance_within(forecast: tuple[float, float], deadline_ms: float) -> float:
    """P(latency <= deadline) for a normal latency (ALERT, USENIX ATC 2020, equation 7).

    ``forecast`` is its mean and deviation, ms.
    """
    mean_ms, deviation_ms = forecast
    gap_ms = deadline_ms - mean_ms
    if deviation_ms <= 0.0:
        return 1.0 if gap_ms >= 0.0 else 0.0
    return 0.5 * math.erfc(-gap_ms / (deviation_ms * ROOT_2))
