"""What the plant's sensors tell: quantised, noisy, aged, and now and then broken as the scenario says."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from edgerund.sim.scenario import SensorFault
from edgerund.types import NoData, Quality, Reading, Sense


class Channel(NamedTuple):
    """One sensor: ``noise`` is a standard deviation, absolute and relative."""

    name: str
    unit: str
    source: str
    quantum: float = 0.0
    noise: float = 0.0
    noise_share: float = 0.0
    age_s: float = 0.1
    quality: Quality = "measured"


ZONES = ("zone.tj-thermal.temp_c", "zone.cpu-thermal.temp_c")
CHANNELS = (
    Channel(ZONES[0], "C", "/sys/class/thermal/thermal_zone8/temp", 0.1, 0.12),
    Channel(ZONES[1], "C", "/sys/class/thermal/thermal_zone0/temp", 0.1, 0.12),
    Channel("power_mw", "mW", "/sys/class/hwmon/hwmon1/in1_input", 20, 0, 0.012),
    Channel("battery_percent", "%", "/sys/class/power_supply/BAT0/capacity", 1.0),
    Channel("battery_energy_mwh", "mWh", "/sys/class/power_supply/BAT0/energy_now", 10.0),
    Channel("battery_left_s", "s", "derived", 1.0, quality="derived"),
    Channel("on_mains", "bool", "/sys/class/power_supply/AC/online"),
    Channel("throttled", "bool", "derived", quality="derived"),
    Channel("memory_available_bytes", "B", "/proc/meminfo", 4096),
    Channel("memory_pressure", "%", "/proc/pressure/memory", 0.01),
    Channel("cpu_load", "", "/proc/stat", 0.001, 0.01),
)
_DETAIL = {
    "frozen": "the value has not moved while the load has",
    "garbage": "the file holds no number",
    "range": "the value is outside what this sensor can measure",
    "step": "the value jumps further than physics allows",
    "absent": "no such hardware",
}
_REFUSED = {"nan": "garbage", "minus_274": "range", "spikes": "step", "absent": "absent"}


class Senses:
    """Turns true values into what a snapshot carries. ``temp_c`` is the hottest valid zone."""

    def __init__(self, faults: list[SensorFault], rng: random.Random) -> None:
        self._faults = faults
        self._rng = rng
        self._held: dict[str, float] = {}
        self._last: dict[str, Sense] = {}
        self._past: dict[str, deque[float]] = {
            name: deque(maxlen=1 + int(f.lag_s))
            for f in faults
            if f.kind == "lag"
            for name in (ZONES if f.sensor == "temp_c" else (f.sensor,))
        }

    def observe(self, now_s: float, truth: Mapping[str, float]) -> dict[str, Sense]:
        """The senses at ``now_s``; a channel without a true value is absent hardware."""
        senses: dict[str, Sense] = {}
        active = [f for f in self._faults if f.holds(now_s)] if self._faults else []
        gauss, known, past = self._rng.gauss, self._last, self._past
        for channel in CHANNELS:
            name, unit, source, quantum, noise, noise_share, age_s, quality = channel
            value = truth.get(name)
            if value is None:
                senses[name] = self._absent(channel)
                continue
            if noise_share:
                noise += noise_share * value
            if noise:
                value += noise * gauss(0.0, 1.0)
            if quantum:
                value = round(value / quantum) * quantum
            if past and name in past:
                past[name].append(value)
            if active:
                fault = _of(active, name)
                if fault is not None:
                    senses[name] = self._broken(channel, value, fault, now_s)
                    continue
            last = known.get(name)
            if not isinstance(last, Reading) or last.value != value:
                last = known[name] = Reading(name, value, unit, age_s, source, quality)
            senses[name] = last
        senses["temp_c"] = _hottest(senses)
        return senses

    def _absent(self, channel: Channel) -> Sense:
        if channel.name not in self._last:
            self._last[channel.name] = _no_data(channel, "absent")
        return self._last[channel.name]

    def _broken(self, channel: Channel, value: float, fault: SensorFault, now_s: float) -> Sense:
        if fault.kind == "lag":
            return _reading(channel, self._past[channel.name][0])
        if fault.kind == "frozen":
            if now_s < fault.from_s + 1.0:
                self._held[channel.name] = value
            if now_s < fault.from_s + fault.detect_s:
                return _reading(channel, self._held.setdefault(channel.name, value))
            return _no_data(channel, "frozen")
        return _no_data(channel, _REFUSED[fault.kind])


def _of(active: list[SensorFault], name: str) -> SensorFault | None:
    """A fault of ``temp_c`` is one of every zone."""
    for fault in active:
        if fault.sensor == name or (fault.sensor == "temp_c" and name in ZONES):
            return fault
    return None


def _reading(channel: Channel, value: float) -> Reading:
    return Reading(
        channel.name, value, channel.unit, channel.age_s, channel.source, channel.quality
    )


def _no_data(channel: Channel, reason: str) -> NoData:
    return NoData(channel.name, reason, _DETAIL[reason], channel.source)


def _hottest(senses: Mapping[str, Sense]) -> Sense:
    hottest: Reading | None = None
    for name in ZONES:
        zone = senses[name]
        if isinstance(zone, Reading) and (hottest is None or zone.value > hottest.value):
            hottest = zone
    if hottest is None:
        first = senses[ZONES[0]]
        reason = first.reason if isinstance(first, NoData) else "absent"
        return NoData("temp_c", reason, "no zone has a valid value", "derived")
    return Reading("temp_c", hottest.value, "C", hottest.age_s, hottest.source, "derived")
