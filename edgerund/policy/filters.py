"""One member of the thermal bank: a Kalman filter on slow temperature, gap to equilibrium, and heat per watt.

Temperature = slow + FAST_SHARE x heat x fast power, where fast power follows the power within seconds.
The gap is ambient + heat x power - slow: whatever the sun, a fan or another program does, shows there.
A step of known power opens the gap by heat x step, and what the temperature then does corrects the heat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FAST_SHARE = 0.2  # of the slow node's C per W: die to sink against sink to air
SENSOR_C = 0.2  # standard deviation of one reading
SLOW_NOISE_C = 0.01
FIRST_GAP_C = 10.0
HEAT_DRIFT = 0.001  # relative, per square root of a second: a fan or a case changes it
HEAT_RANGE = 2.0  # heat stays within this factor of where it began
STRAIN_GAIN, CALM = 0.2, 0.8  # white innovations leave strain² near 0.11
UNREST_C = 0.3
LEAST_DOUBT = 0.05  # relative; the plant is never exactly of this form


@dataclass(frozen=True, slots=True)
class Filter:
    """State and covariance. ``heat_used`` is ``heat`` without the last reading, for forecasts.

    ``strain`` is the smoothed normalised innovation: far from 0 something new goes on, and the gap is opened.
    ``slow_c`` carries all heat of the power that was there at the first reading; power counts from there.
    ``p_sh`` is the covariance of slow temperature and heat, and so on.
    """

    tau_s: float
    drift_c: float
    slow_c: float
    gap_c: float
    heat: float
    heat_used: float
    heat_first: float
    strain: float
    p_ss: float
    p_sg: float
    p_gg: float
    p_sh: float
    p_gh: float
    p_hh: float


def begin(tau_s: float, drift_c: float, temp_c: float, heat: float, doubt: float) -> Filter:
    """At the first reading: the temperature is known, where it is heading is not."""
    return Filter(
        tau_s=tau_s,
        drift_c=drift_c,
        slow_c=temp_c,
        gap_c=0.0,
        heat=heat,
        heat_used=heat,
        heat_first=heat,
        strain=0.0,
        p_ss=SENSOR_C * SENSOR_C,
        p_sg=0.0,
        p_gg=FIRST_GAP_C * FIRST_GAP_C,
        p_sh=0.0,
        p_gh=0.0,
        p_hh=doubt * doubt,
    )


def predict(f: Filter, dt_s: float, step_w: float) -> Filter:
    """Let ``dt_s`` pass, after a step of power."""
    gap = f.gap_c + f.heat * step_w
    p_gg = f.p_gg + step_w * (2.0 * f.p_gh + step_w * f.p_hh)
    p_sg = f.p_sg + step_w * f.p_sh
    p_gh = f.p_gh + step_w * f.p_hh
    keep = math.exp(-dt_s / f.tau_s)
    move = 1.0 - keep
    heat_noise = HEAT_DRIFT * f.heat
    unrest = UNREST_C * UNREST_C * max(0.0, f.strain * f.strain - CALM)
    return Filter(
        tau_s=f.tau_s,
        drift_c=f.drift_c,
        slow_c=f.slow_c + move * gap,
        strain=f.strain,
        gap_c=keep * gap,
        heat=f.heat,
        heat_used=f.heat,
        heat_first=f.heat_first,
        p_ss=f.p_ss + 2.0 * move * p_sg + move * move * p_gg + SLOW_NOISE_C * SLOW_NOISE_C * dt_s,
        p_sg=keep * (p_sg + move * p_gg),
        p_gg=keep * keep * p_gg + (f.drift_c * f.drift_c + unrest) * dt_s,
        p_sh=f.p_sh + move * p_gh,
        p_gh=keep * p_gh,
        p_hh=f.p_hh + heat_noise * heat_noise * dt_s,
    )


def correct(f: Filter, temp_c: float, fast_w: float, power_w: float, *, settled: bool) -> Filter:
    """Take in one reading. While the fast node still moves, the reading is trusted less.

    ``settled``: the models' power has not stepped lately, so a surprise is somebody else's doing.

    Gains on temperature and gap are not let below 0, so that a hotter reading never means a cooler forecast; the
    covariance is updated in the form that holds for any gain (Joseph).
    """
    part = FAST_SHARE * fast_w
    moving_c = 0.3 * FAST_SHARE * f.heat * (power_w - fast_w)
    to_s, to_g, to_h = f.p_ss + part * f.p_sh, f.p_sg + part * f.p_gh, f.p_sh + part * f.p_hh
    s = to_s + part * to_h + SENSOR_C * SENSOR_C + moving_c * moving_c
    k_s, k_g, k_h = max(0.0, to_s / s), max(0.0, to_g / s), to_h / s
    error = temp_c - f.slow_c - part * f.heat
    least = LEAST_DOUBT * f.heat
    heat = f.heat + k_h * error
    return Filter(
        tau_s=f.tau_s,
        drift_c=f.drift_c,
        slow_c=f.slow_c + k_s * error,
        gap_c=f.gap_c + k_g * error,
        heat=min(HEAT_RANGE * f.heat_first, max(f.heat_first / HEAT_RANGE, heat)),
        heat_used=f.heat_used,
        heat_first=f.heat_first,
        strain=(1.0 - STRAIN_GAIN) * f.strain
        + (STRAIN_GAIN * error / math.sqrt(s) if settled else 0.0),
        p_ss=f.p_ss - 2.0 * k_s * to_s + s * k_s * k_s,
        p_sg=f.p_sg - k_s * to_g - k_g * to_s + s * k_s * k_g,
        p_gg=f.p_gg - 2.0 * k_g * to_g + s * k_g * k_g,
        p_sh=f.p_sh - k_s * to_h - k_h * to_s + s * k_s * k_h,
        p_gh=f.p_gh - k_g * to_h - k_h * to_g + s * k_g * k_h,
        p_hh=max(least * least, f.p_hh - 2.0 * k_h * to_h + s * k_h * k_h),
    )


def line(
    f: Filter, ahead_s: float, fast_w: float, power_w: float, fast_left: float
) -> tuple[float, float]:
    """Temperature after ``ahead_s`` of ``power_w``, and how much a watt more adds to it."""
    move = 1.0 - math.exp(-ahead_s / f.tau_s)
    fast = FAST_SHARE * f.heat_used * (power_w + (fast_w - power_w) * fast_left)
    slope = f.heat_used * (move + FAST_SHARE * (1.0 - fast_left))
    return f.slow_c + move * f.gap_c + fast, slope


def deviation(f: Filter, ahead_s: float) -> float:
    """Standard deviation of that temperature."""
    move = 1.0 - math.exp(-ahead_s / f.tau_s)
    return math.sqrt(max(0.0, f.p_ss + 2.0 * move * f.p_sg + move * move * f.p_gg))
