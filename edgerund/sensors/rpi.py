"""Raspberry Pi: what its firmware says about voltage, frequency caps and throttling."""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import bounded, failed, shown, text_or
from edgerund.types import NoData, Reading, Sense

_FIRMWARE = "/sys/devices/platform/soc*/soc*:firmware/get_throttled"
_HEX = re.compile(r"(0x)?[0-9a-fA-F]{1,8}\Z")
# bit n now, bit n + 16 since boot
_BITS = ("under_voltage", "frequency_capped", "throttled", "soft_temperature_limit")


class RaspberryPi(FileSensor):
    """``throttle.rpi_<flag>.active`` now and ``rpi.<flag>_since_boot``.

    Kernels without ``get_throttled`` have at least the under-voltage alarm of hwmon ``rpi_volt``.
    """

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._flags: str | None = None
        self._alarm: str | None = None

    def probe(self) -> str | None:
        self._flags = next(iter(self._root.glob(_FIRMWARE)), None)
        chips = self._root.glob("/sys/class/hwmon/hwmon*/name")
        volts = [c for c in chips if text_or(self._root, c) == "rpi_volt"]
        self._alarm = volts[0].removesuffix("name") + "in0_lcrit_alarm" if volts else None
        return None if self._flags or self._alarm else "no Raspberry Pi firmware"

    def read(self) -> Iterable[Sense]:
        if self._flags:
            yield from self._firmware(self._flags)
        elif self._alarm:
            name = f"throttle.rpi_{_BITS[0]}.active"
            yield bounded(self._root, self._alarm, name, "bool", 0, 1)

    def _firmware(self, file: str) -> list[Sense]:
        names = {f"throttle.rpi_{flag}.active": n for n, flag in enumerate(_BITS)}
        names |= {f"rpi.{flag}_since_boot": n + 16 for n, flag in enumerate(_BITS)}
        try:
            flags = _flags(self._root.read(file))
        except OSError as e:
            return [failed(name, e, file) for name in names]
        except ValueError as e:
            return [NoData(name, "garbage", str(e), file) for name in names]
        return [
            Reading(name, float(flags >> n & 1), "bool", 0.0, file) for name, n in names.items()
        ]


def _flags(text: str) -> int:
    if not _HEX.match(text) or int(text, 16) >= 1 << 20:
        raise ValueError(f"no firmware flags: {shown(text)}")
    return int(text, 16)
