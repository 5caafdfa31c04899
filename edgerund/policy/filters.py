"""One member of the thermal bank: a Kalman filter on slow temperature, gap to equilibrium, and heat per watt.

Temperature = slow + FAST_SHARE x heat x fast power, where fast power follows the power within seconds.
The gap is ambient + heat x power - slow: whatever the sun, a fan or another program does, shows there.
A step of known power opens the gap by heat x step, and what the temperature then does corrects the heat.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from edgerund.policy.bounds import at_least, within

FAST_SHARE = 0.2  # of the slow node's C per W: die to sink against sink to air
SENSOR_C = 0.2  # standard deviation of one reading
SLOW_NOISE_C = 0.01
FIRST_GAP_C = 10.0
HEAT_DRIFT = 0.001  # relative, per square root of a second: a fan or a case changes it
HEAT_RANGE = 2.0  # heat stays within this factor of where it began
STRAIN_GAIN, CALM = 0.2, 0.8  # white innovations leave strain² near 0.11
UNREST_C = 0.3
LEAST_DOUBT = 0.05  # relative; the plant is never exactly of this form


class Filter(NamedTuple):
    """State and covariance, as a tuple: dozens are made per decision. ``heat_used`` is ``heat`` before the reading.

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
    tau_s, drift_c, slow, gap, heat, _, first, strain, ss, sg, gg, sh, gh, hh = f
    gap += heat * step_w
    gg += step_w * (2.0 * gh + step_w * hh)
    sg += step_w * sh
    gh += step_w * hh
    keep = math.exp(-dt_s / tau_s)
    move = 1.0 - keep
    noise = drift_c * drift_c
    if strain * strain > CALM:
        noise += UNREST_C * UNREST_C * (strain * strain - CALM)
    heat_noise = HEAT_DRIFT * heat
    return Filter(
        tau_s,
        drift_c,
        slow + move * gap,
        keep * gap,
        heat,
        heat,
        first,
        strain,
        ss + 2.0 * move * sg + move * move * gg + SLOW_NOISE_C * SLOW_NOISE_C * dt_s,
        keep * (sg + move * gg),
        keep * keep * gg + noise * dt_s,
        sh + move * gh,
        keep * gh,
        hh + heat_noise * heat_noise * dt_s,
    )


def correct(f: Filter, temp_c: float, fast_w: float, power_w: float, settled: bool) -> Filter:
    """Take in one reading. While the fast node still moves, the reading is trusted less.

    ``settled``: the models' power has not stepped lately, so a surprise is somebody else's doing.

    Gains on temperature and gap are not let below 0, so that a hotter reading never means a cooler forecast; the
    covariance is updated in the form that holds for any gain (Joseph).
    """
    tau_s, drift_c, slow, gap, heat, used, first, strain, ss, sg, gg, sh, gh, hh = f
    part = FAST_SHARE * fast_w
    moving_c = 0.3 * FAST_SHARE * heat * (power_w - fast_w)
    to_s, to_g, to_h = ss + part * sh, sg + part * gh, sh + part * hh
    s = to_s + part * to_h + SENSOR_C * SENSOR_C + moving_c * moving_c
    k_s = to_s / s if to_s > 0.0 else 0.0
    k_g = to_g / s if to_g > 0.0 else 0.0
    k_h = to_h / s
    error = temp_c - slow - part * heat
    least = LEAST_DOUBT * heat
    least_hh = least * least
    hh = hh - 2.0 * k_h * to_h + s * k_h * k_h
    news = error / math.sqrt(s) if settled else 0.0
    return Filter(
        tau_s,
        drift_c,
        slow + k_s * error,
        gap + k_g * error,
        within(first / HEAT_RANGE, heat + k_h * error, HEAT_RANGE * first),
        used,
        first,
        strain + STRAIN_GAIN * (news - strain),
        ss - 2.0 * k_s * to_s + s * k_s * k_s,
        sg - k_s * to_g - k_g * to_s + s * k_s * k_g,
        gg - 2.0 * k_g * to_g + s * k_g * k_g,
        sh - k_s * to_h - k_h * to_s + s * k_s * k_h,
        gh - k_g * to_h - k_h * to_g + s * k_g * k_h,
        at_least(least_hh, hh),
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
    return math.sqrt(at_least(0.0, f.p_ss + 2.0 * move * f.p_sg + move * move * f.p_gg))
