"""Where the temperature will be: a fast node on a slow node, with the ambient disturbance observed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

HEAT_C_PER_W, TAU_S = 4.0, 100.0
FAST_C_PER_W, FAST_TAU_S = 0.8, 6.0
BANDWIDTH_S = 20.0
ERRORS_KEPT = 60


@dataclass(frozen=True, slots=True)
class ThermalMemory:
    """The observer. ``ambient_c`` is whatever makes the model agree with the sensor: air, sun, other heat.

    ``pending`` holds forecasts made earlier as (due at, forecast); ``errors`` how far recent ones were too low.
    """

    slow_c: float | None = None
    fast_c: float = 0.0
    ambient_c: float = 0.0
    heat_c_per_w: float = HEAT_C_PER_W
    tau_s: float = TAU_S
    pending: tuple[tuple[float, float], ...] = ()
    errors: tuple[float, ...] = ()


def observe(
    memory: ThermalMemory, temp_c: float | None, power_mw: float, dt_s: float
) -> ThermalMemory:
    """Advance by ``dt_s`` under ``power_mw``; ``temp_c`` None: the model alone."""
    power_w = power_mw / 1000.0
    if memory.slow_c is None:
        if temp_c is None:
            return memory
        fast = FAST_C_PER_W * power_w
        slow = temp_c - fast
        return replace(
            memory, slow_c=slow, fast_c=fast, ambient_c=slow - memory.heat_c_per_w * power_w
        )
    slow_inf = memory.ambient_c + memory.heat_c_per_w * power_w
    slow = slow_inf + (memory.slow_c - slow_inf) * math.exp(-dt_s / memory.tau_s)
    fast_inf = FAST_C_PER_W * power_w
    fast = fast_inf + (memory.fast_c - fast_inf) * math.exp(-dt_s / FAST_TAU_S)
    ambient = memory.ambient_c
    if temp_c is not None:
        error = temp_c - (slow + fast)
        step = min(dt_s, BANDWIDTH_S) / BANDWIDTH_S
        slow += error * min(1.0, 2.0 * step)
        ambient += error * step * memory.tau_s / BANDWIDTH_S
    return replace(memory, slow_c=slow, fast_c=fast, ambient_c=ambient)


def line(memory: ThermalMemory, ahead_s: float) -> tuple[float, float]:
    """Temperature after ``ahead_s`` of constant power as (C without power, C per W): it is linear in power."""
    assert memory.slow_c is not None
    slow_left = math.exp(-ahead_s / memory.tau_s)
    fast_left = math.exp(-ahead_s / FAST_TAU_S)
    offset = memory.ambient_c + (memory.slow_c - memory.ambient_c) * slow_left
    offset += memory.fast_c * fast_left
    slope = memory.heat_c_per_w * (1.0 - slow_left) + FAST_C_PER_W * (1.0 - fast_left)
    return offset, slope


def forecast_c(memory: ThermalMemory, power_mw: float, ahead_s: float) -> float:
    """Temperature after ``ahead_s`` under ``power_mw``."""
    offset, slope = line(memory, ahead_s)
    return offset + slope * power_mw / 1000.0


def ceiling_mw(memory: ThermalMemory, limit_c: float, horizon_s: float) -> float:
    """The most power that keeps every moment of the horizon below ``limit_c``."""
    most = math.inf
    for ahead_s in (min(5.0, horizon_s), horizon_s / 2.0, horizon_s):
        offset, slope = line(memory, ahead_s)
        most = min(most, (limit_c - offset) / slope * 1000.0)
    return most


def margin_c(memory: ThermalMemory) -> float:
    """1 C and the 95th percentile of how much hotter it recently became than forecast."""
    if len(memory.errors) < 10:
        return 2.0
    ranked = sorted(memory.errors)
    return 1.0 + max(0.0, ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))])


def score(
    memory: ThermalMemory, temp_c: float, power_mw: float, now_s: float, horizon_s: float
) -> ThermalMemory:
    """Compare the forecasts that are due with ``temp_c``, and make a new one every other second."""
    errors = memory.errors
    pending = memory.pending
    while pending and pending[0][0] <= now_s:
        errors = (*errors, temp_c - pending[0][1])[-ERRORS_KEPT:]
        pending = pending[1:]
    if not pending or now_s + horizon_s - pending[-1][0] >= 2.0:
        pending = (*pending, (now_s + horizon_s, forecast_c(memory, power_mw, horizon_s)))[-128:]
    return replace(memory, errors=errors, pending=pending)
