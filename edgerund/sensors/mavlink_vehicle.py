"""What MAVLink messages say of one vehicle: whose battery, how full, and what the autopilot thinks of it. Pure.

Fields and their units: common.xml, BATTERY_STATUS (#147), SYS_STATUS (#1), HEARTBEAT (#0).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

AUTOPILOT_INVALID = 8
_ARMED = 128
_FEEDS_ALL, _FEEDS_MOTORS = 1, 2
_CHARGING = 7
FALL_BACK_AFTER_S = 10.0
"""SYS_STATUS, which does not say which battery it means, counts only when BATTERY_STATUS is silent for so long."""
MOST_BATTERIES = 16

Row: TypeAlias = list[Any]
"""One sense as it travels from a helper process: name, value, unit, at_s, source."""


@dataclass(slots=True)
class Battery:
    """The latest words on one battery. None: the autopilot does not know."""

    at_s: float
    function: int = 0
    values: dict[str, tuple[float, str]] = field(default_factory=dict)


class Vehicle:
    """Listens to one system.

    Args:
        system_id: whose messages count; None takes the first autopilot that is heard, and stays with it.
        battery_id: which battery is the vehicle's; None takes the lowest id that feeds everything or the motors.
        full_mwh: energy of the full battery, for an energy from the percentage; None: not known.
    """

    def __init__(
        self,
        system_id: int | None = None,
        battery_id: int | None = None,
        full_mwh: float | None = None,
    ) -> None:
        self.system_id = system_id
        self._wanted_id, self._full_mwh = battery_id, full_mwh
        self.others: set[int] = set()
        self._batteries: dict[int, Battery] = {}
        self._system: Battery | None = None
        self._heard: tuple[float, float] | None = None

    def feed(self, message: Any, at_s: float) -> None:
        """Take in one decoded message, whoever sent it."""
        kind, sender = message.get_type(), message.get_srcSystem()
        if kind == "HEARTBEAT" and message.autopilot != AUTOPILOT_INVALID:
            self._heartbeat(message, sender, at_s)
        elif sender != self.system_id:
            return
        elif kind == "BATTERY_STATUS":
            if message.id in self._batteries or len(self._batteries) < MOST_BATTERIES:
                values = battery_values(message)
                self._batteries[message.id] = Battery(at_s, message.battery_function, values)
        elif kind == "SYS_STATUS":
            self._system = Battery(at_s, 0, system_values(message))

    def rows(self, source: str) -> list[Row]:
        """Everything known, under ``battery.mavlink.*`` for the vehicle's battery, ``mavlink.*`` for the rest."""
        found: list[Row] = []
        if self._heard is not None:
            at_s, armed = self._heard
            found.append(["mavlink.armed", armed, "bool", at_s, source])
        main = self._main_id()
        if main is not None:
            found += _rows("battery.mavlink", self._with_energy(self._batteries[main]), source)
        elif self._system is not None and not self._batteries:
            found += _rows("battery.mavlink", self._with_energy(self._system), source)
        for n, battery in sorted(self._batteries.items()):
            if n != main:
                found += _rows(f"mavlink.battery{n}", battery, source)
        return found

    def silent_s(self, at_s: float) -> float | None:
        """Seconds since anything was said about a battery; None before the vehicle is known."""
        if self.system_id is None or self._heard is None:
            return None
        return at_s - max((b.at_s for b in self._batteries.values()), default=float("-inf"))

    def expire(self, at_s: float) -> None:
        """Let SYS_STATUS speak where BATTERY_STATUS has gone silent."""
        for n in [n for n, b in self._batteries.items() if at_s - b.at_s > FALL_BACK_AFTER_S]:
            del self._batteries[n]

    def _heartbeat(self, message: Any, sender: int, at_s: float) -> None:
        if self.system_id is None:
            self.system_id = sender
        if sender == self.system_id:
            self._heard = (at_s, float(bool(message.base_mode & _ARMED)))
        elif len(self.others) < 255:
            self.others.add(sender)

    def _main_id(self) -> int | None:
        if self._wanted_id is not None:
            return self._wanted_id if self._wanted_id in self._batteries else None
        ids = sorted(self._batteries)
        fed = [n for n in ids if self._batteries[n].function in (_FEEDS_ALL, _FEEDS_MOTORS)]
        unknown = [n for n in ids if self._batteries[n].function == 0]
        return next(iter(fed or unknown or ids), None)

    def _with_energy(self, battery: Battery) -> Battery:
        percent = battery.values.get("percent")
        if percent is None or self._full_mwh is None:
            return battery
        energy = {
            "energy_mwh": (percent[0] / 100 * self._full_mwh, "mWh"),
            "energy_full_mwh": (self._full_mwh, "mWh"),
        }
        return Battery(battery.at_s, battery.function, {**battery.values, **energy})


def _rows(prefix: str, battery: Battery, source: str) -> list[Row]:
    return [
        [f"{prefix}.{quantity}", value, unit, battery.at_s, source]
        for quantity, (value, unit) in battery.values.items()
    ]


def battery_values(m: Any) -> dict[str, tuple[float, str]]:
    """BATTERY_STATUS in our units; what it marks as unknown is left out. Negative flows discharge."""
    found: dict[str, tuple[float, str]] = {}
    # one pack voltage above 65,534 mV spills over into the next cell, so a sum is right for both forms
    cells = [v for v in m.voltages if v != 65535] + [v for v in m.voltages_ext if v != 0]
    if any(cells):
        found["voltage_mv"] = (float(sum(cells)), "mV")
    _flow(found, m.current_battery)
    if 0 <= m.battery_remaining <= 100:
        found["percent"] = (float(m.battery_remaining), "%")
    if m.time_remaining > 0:
        found["left_s"] = (float(m.time_remaining), "s")
    if m.temperature != 32767:
        found["temp_c"] = (m.temperature / 100, "C")
    if 0 < m.charge_state <= _CHARGING:
        found["charge_state"] = (float(m.charge_state), "code")
    found["charging"] = (1.0 if m.charge_state == _CHARGING else -1.0, "sign")
    return found


def system_values(m: Any) -> dict[str, tuple[float, str]]:
    """The battery part of SYS_STATUS in our units."""
    found: dict[str, tuple[float, str]] = {}
    if m.voltage_battery not in (0, 65535):
        found["voltage_mv"] = (float(m.voltage_battery), "mV")
    _flow(found, m.current_battery)
    if 0 <= m.battery_remaining <= 100:
        found["percent"] = (float(m.battery_remaining), "%")
    if found:
        found["charging"] = (-1.0, "sign")
    return found


def _flow(found: dict[str, tuple[float, str]], centiamps: int) -> None:
    if centiamps == -1:
        return
    found["current_ma"] = (-10.0 * centiamps, "mA")
    if "voltage_mv" in found:
        found["power_mw"] = (found["voltage_mv"][0] * -10.0 * centiamps / 1000, "mW")
