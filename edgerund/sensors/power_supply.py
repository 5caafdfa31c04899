"""Batteries and mains of the kernel: ``/sys/class/power_supply``; signs from the status, missing fields derived."""

from __future__ import annotations

from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import bounded, failed, text_or
from edgerund.types import NoData, Reading, Sense

_STATUS = {"Charging": 1.0, "Discharging": -1.0, "Full": 0.0, "Not charging": 0.0}
# in MAVLink's codes: 1 ok, 2 low, 3 critical
_LEVELS = {"Critical": 3.0, "Low": 2.0, "Normal": 1.0, "High": 1.0, "Full": 1.0}
_MAINS = ("Mains", "USB", "Wireless")
# what a pack of 1 to 20 cells, 1 mA to 500 A, can say: a unit off by a thousand falls out on either side
_MV, _MA, _MW, _MWH = (1_000, 100_000), (-500_000, 500_000), (0, 20_000_000), (10, 20_000_000)


class PowerSupplies(FileSensor):
    """``battery.<name>.*`` and ``mains.<name>.online``.

    A battery gives ``percent``, ``voltage_mv``, ``current_ma`` (negative: discharging), ``power_mw``
    (negative: discharging), ``energy_mwh``, ``energy_full_mwh``, ``left_s``, ``temp_c``, and ``charging``
    (1, 0, or -1 while discharging). Batteries of mice and gamepads (scope Device) are left out.
    """

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._batteries: list[tuple[str, str]] = []
        self._mains: list[tuple[str, str]] = []

    def probe(self) -> str | None:
        self._batteries, self._mains = [], []
        for file in self._root.glob("/sys/class/power_supply/*/type"):
            folder = file.removesuffix("type")
            name = folder.rstrip("/").rpartition("/")[2]
            kind = text_or(self._root, file)
            if kind in ("Battery", "UPS") and text_or(self._root, folder + "scope") != "Device":
                self._batteries.append((name, folder))
            # a ucsi port reports what was negotiated on USB-C, not what feeds the board
            elif kind in _MAINS and not name.startswith("ucsi-source-psy"):
                self._mains.append((name, folder))
        if not self._batteries and not self._mains:
            return "no battery or mains in /sys/class/power_supply"
        return None

    def read(self) -> Iterable[Sense]:
        for name, folder in self._mains:
            yield bounded(self._root, folder + "online", f"mains.{name}.online", "bool", 0, 2)
        for name, folder in self._batteries:
            yield from _Battery(self._root, name, folder).senses()


class _Battery:
    """One round over one battery."""

    def __init__(self, root: SysRoot, name: str, folder: str) -> None:
        self._root, self._name, self._folder = root, name, folder
        self._present = {f for f in _FIELDS if root.path(folder + f).exists()}

    def senses(self) -> list[Sense]:
        if text_or(self._root, self._folder + "present") == "0":
            file = self._folder + "present"
            return [NoData(self._id("percent"), "absent", "the battery is not inserted", file)]
        charging = self._charging()
        found: list[Sense | None] = [
            charging,
            self._percent(),
            self._level(),
            self._file("voltage_now", "voltage_mv", "mV", _MV, 1000),
            self._signed(charging, self._file("current_now", "current_ma", "mA", _MA, 1000)),
            self._signed(charging, self._power()),
            self._energy("now", "energy_mwh"),
            self._energy("full", "energy_full_mwh"),
            self._file("time_to_empty_now", "left_s", "s", (1, 30 * 86400), 1),
            self._file("temp", "temp_c", "C", (-40, 120), 10),
        ]
        return [s for s in found if s is not None]

    def _id(self, quantity: str) -> str:
        return f"battery.{self._name}.{quantity}"

    def _file(
        self, file: str, quantity: str, unit: str, limits: tuple[float, float], divisor: int
    ) -> Sense | None:
        """None where the driver has no such file."""
        if file not in self._present:
            return None
        path = self._folder + file
        return bounded(self._root, path, self._id(quantity), unit, *limits, divisor)

    def _charging(self) -> Sense:
        name, file = self._id("charging"), self._folder + "status"
        try:
            status = self._root.read(file)
        except OSError as e:
            return failed(name, e, file)
        if status not in _STATUS:
            return NoData(name, "garbage", f"status is {status[:24]!r}", file)
        return Reading(name, _STATUS[status], "sign", 0.0, file)

    def _level(self) -> Sense | None:
        if "capacity_level" not in self._present:
            return None
        file = self._folder + "capacity_level"
        code = _LEVELS.get(text_or(self._root, file))
        if code is None:
            return None
        return Reading(self._id("charge_state"), code, "code", 0.0, file)

    def _percent(self) -> Sense | None:
        if "capacity" in self._present:
            return self._file("capacity", "percent", "%", (0, 100), 1)
        for kind in ("energy", "charge"):
            now = self._file(f"{kind}_now", "percent", "", (0, 1e9), 1000)
            full = self._file(f"{kind}_full", "percent", "", (1, 1e9), 1000)
            if isinstance(now, Reading) and isinstance(full, Reading):
                share = min(100.0, 100 * now.value / full.value)
                return Reading(now.name, share, "%", 0.0, now.source, "derived")
            if now is not None:
                return now if isinstance(now, NoData) else full
        return None

    def _power(self) -> Sense | None:
        direct = self._file("power_now", "power_mw", "mW", (-_MW[1], _MW[1]), 1000)
        if direct is not None:
            return direct
        volts = self._file("voltage_now", "power_mw", "mV", _MV, 1000)
        amps = self._file("current_now", "power_mw", "mA", _MA, 1000)
        if isinstance(volts, Reading) and isinstance(amps, Reading):
            power_mw = volts.value * amps.value / 1000
            return Reading(amps.name, power_mw, "mW", 0.0, amps.source, "derived")
        return volts if isinstance(volts, NoData) else amps if isinstance(amps, NoData) else None

    def _signed(self, charging: Sense, flow: Sense | None) -> Sense | None:
        """The flow with the sign of the status: many drivers report the absolute value."""
        if not isinstance(flow, Reading):
            return flow
        if isinstance(charging, NoData):
            return NoData(
                flow.name, charging.reason, f"its sign: {charging.detail}", charging.source
            )
        if charging.value == 0:
            return flow
        value = abs(flow.value) * charging.value
        return Reading(flow.name, value, flow.unit, 0.0, flow.source, flow.quality)

    def _energy(self, when: str, quantity: str) -> Sense | None:
        direct = self._file(f"energy_{when}", quantity, "mWh", _MWH, 1000)
        if direct is not None:
            return direct
        charge = self._file(f"charge_{when}", quantity, "mAh", (1, 10_000_000), 1000)
        design = self._file("voltage_min_design", quantity, "mV", _MV, 1000)
        volts = design or self._file("voltage_now", quantity, "mV", _MV, 1000)
        if isinstance(charge, Reading) and isinstance(volts, Reading):
            energy_mwh = charge.value * volts.value / 1000
            return Reading(charge.name, energy_mwh, "mWh", 0.0, charge.source, "derived")
        return charge if isinstance(charge, NoData) else None


_FIELDS = (
    "capacity",
    "capacity_level",
    "charge_full",
    "charge_now",
    "current_now",
    "energy_full",
    "energy_now",
    "power_now",
    "temp",
    "time_to_empty_now",
    "voltage_min_design",
    "voltage_now",
)
