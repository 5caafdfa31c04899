"""The time that the battery will last: three estimators, each with its error."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from edgerund.sensors.derive.battery import (
    each,
    energy_of,
    lost,
    mains_of,
    packs_of,
    percent_of,
    valid_parts,
)
from edgerund.types import NoData, Reading, Sense

POWER_TAU_S = 60.0
SLOPE_WINDOW_S = 1800.0
GAUGE_ERROR = 0.15
"""Relative error taken for a fuel gauge's own forecast, which does not tell it."""
ENERGY_ERROR = 0.05
LONGEST_LEFT_S = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds left and the standard deviation of that, by one method."""

    method: str
    left_s: float
    sd_s: float
    age_s: float


class BatteryLeft:
    """``battery_left_s`` and ``battery_left_sd_s``: the surest of gauge, coulomb counting and discharge slope.

    Gauge: the pack's own forecast, taken as +-15 %. Coulomb: energy left over the draw averaged with a time
    constant of 60 s; its error is the draw's standard deviation and 5 % of the energy. Slope: least squares
    through the percentages of the last half hour, once they fell by 2; its error is that of the fit.
    """

    def __init__(self) -> None:
        self._power = _Smoothed(POWER_TAU_S)
        self._percents: deque[tuple[float, float]] = deque(maxlen=360)

    def derive(self, raw: Mapping[str, Sense], now_s: float) -> list[Sense]:
        """The chosen estimate, its deviation, and each method's own under ``battery_left.<method>_s``."""
        packs = packs_of(raw)
        mains = mains_of(raw, packs)
        if not packs or (isinstance(mains, Reading) and mains.value > 0):
            self._forget()
            why = "on external power" if packs else "no battery"
            return _no_time("absent", why)
        found = [
            e
            for e in (
                self._gauge(raw, packs),
                self._coulomb(raw, packs, now_s),
                self._slope(raw, packs, now_s),
            )
            if e is not None and 0 <= e.left_s <= LONGEST_LEFT_S
        ]
        if not found:
            cause = lost("battery_left_s", each(raw, packs, "percent"), packs)
            told = isinstance(percent_of(raw, packs), Reading)
            return _no_time("waiting" if told else cause.reason, cause.detail)
        best = min(found, key=lambda e: e.sd_s)
        senses = [
            _time("battery_left_s", best.left_s, best),
            _time("battery_left_sd_s", best.sd_s, best),
        ]
        for e in found:
            senses.append(_time(f"battery_left.{e.method}_s", e.left_s, e))
            senses.append(_time(f"battery_left.{e.method}_sd_s", e.sd_s, e))
        return list(senses)

    def _forget(self) -> None:
        self._power = _Smoothed(POWER_TAU_S)
        self._percents.clear()

    def _gauge(self, raw: Mapping[str, Sense], packs: list[str]) -> Estimate | None:
        values = valid_parts(each(raw, packs, "left_s"), packs)
        if values is None:
            return None
        least = min(values, key=lambda v: v.value)
        return Estimate("gauge", least.value, GAUGE_ERROR * least.value, least.age_s)

    def _coulomb(self, raw: Mapping[str, Sense], packs: list[str], now_s: float) -> Estimate | None:
        flows = valid_parts(each(raw, packs, "power_mw"), packs)
        energy = energy_of(raw, packs)
        if flows is None or isinstance(energy, NoData):
            return None
        age_s = max(f.age_s for f in flows)
        self._power.add(now_s - age_s, -sum(f.value for f in flows))
        if self._power.mean <= 1.0:
            return None
        left_s = 3600 * energy.value / self._power.mean
        error = math.hypot(self._power.relative_sd, ENERGY_ERROR)
        return Estimate("coulomb", left_s, left_s * error, max(age_s, energy.age_s))

    def _slope(self, raw: Mapping[str, Sense], packs: list[str], now_s: float) -> Estimate | None:
        percent = percent_of(raw, packs)
        if isinstance(percent, NoData):
            return None
        at_s = now_s - percent.age_s
        if not self._percents or at_s - self._percents[-1][0] >= SLOPE_WINDOW_S / 360:
            self._percents.append((at_s, percent.value))
        while self._percents[0][0] < at_s - SLOPE_WINDOW_S:
            self._percents.popleft()
        if self._percents[0][1] - percent.value < 2.0 or len(self._percents) < 6:
            return None
        slope, sd = fit_slope(self._percents)
        if slope >= 0:
            return None
        left_s = percent.value / -slope
        return Estimate("slope", left_s, left_s * sd / -slope, percent.age_s)


def fit_slope(points: deque[tuple[float, float]]) -> tuple[float, float]:
    """Slope of the least-squares line through (t, y), and its standard error widened by one step of y (1 %)."""
    n = len(points)
    mean_t = sum(t for t, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    stt = sum((t - mean_t) ** 2 for t, _ in points)
    slope = sum((t - mean_t) * (y - mean_y) for t, y in points) / stt
    residual = sum((y - mean_y - slope * (t - mean_t)) ** 2 for t, y in points) / max(1, n - 2)
    span_s = points[-1][0] - points[0][0]
    # neighbouring residuals of a staircase are not independent: a whole step over the span bounds the error
    return slope, math.hypot(math.sqrt(residual / stt), 0.5 / span_s)


class _Smoothed:
    """Exponentially weighted mean and deviation over irregular samples."""

    def __init__(self, tau_s: float) -> None:
        self._tau_s = tau_s
        self._at_s: float | None = None
        self.mean = 0.0
        self._variance = 0.0

    def add(self, at_s: float, value: float) -> None:
        if self._at_s is None:
            self._at_s, self.mean = at_s, value
            return
        if at_s <= self._at_s + 1e-3:
            return
        share = 1 - math.exp(-(at_s - self._at_s) / self._tau_s)
        self._at_s = at_s
        off = value - self.mean
        self.mean += share * off
        self._variance = (1 - share) * (self._variance + share * off * off)

    @property
    def relative_sd(self) -> float:
        return math.sqrt(self._variance) / self.mean if self.mean > 0 else math.inf


def _time(name: str, value_s: float, e: Estimate) -> Reading:
    return Reading(name, value_s, "s", e.age_s, f"battery: {e.method}", "estimated")


def _no_time(reason: str, detail: str) -> list[Sense]:
    return [NoData(name, reason, detail) for name in ("battery_left_s", "battery_left_sd_s")]
