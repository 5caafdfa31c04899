"""The two policies of a run, at the board's pace: one that keeps the limits, one that holds the best variant."""

from __future__ import annotations

from typing import Any

RESERVE_PERCENT = 20.0


def keeping(limit_c: float, speed: float, mission_s: float | None = None) -> dict[str, Any]:
    """Below ``limit_c``; with ``mission_s``, also a battery that must last. Times shrink with ``speed``."""
    constraints: dict[str, Any] = {"temp_c": {"max": limit_c, "horizon_s": max(1.0, 20.0 / speed)}}
    if mission_s is not None:
        constraints["battery"] = {
            "reserve_percent": RESERVE_PERCENT,
            "mission_s": mission_s / speed,
        }
    return {
        "policy": "keeping",
        "constraints": constraints,
        "switching": {"dwell_s": 10.0 / speed, "max_per_hour": min(3600.0, 60.0 * speed)},
        "stale_after_s": max(1.0, 3.0 / speed),
        "lost": {"temp_c": "cheapest"},
    }


def holding_top() -> dict[str, Any]:
    """No limit at all: the best variant, whatever happens."""
    always = {"temp_c": {"above": -60}}
    return {"policy": "static-top", "rules": [{"when": always, "then": {"exactly": "top"}}]}
