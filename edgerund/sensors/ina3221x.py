"""INA3221 through NVIDIA's old iio driver (JetPack 4): rails with their power ready-made, channels from 0."""

from __future__ import annotations

from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import bounded, text_or, unique
from edgerund.types import Sense

_PATTERN = "/sys/bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_[012]"


class Ina3221x(FileSensor):
    """``rail.<label>.{voltage_mv, current_ma, power_mw}``, as the newer driver's reader names them."""

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._rails: list[tuple[str, str, str]] = []

    def probe(self) -> str | None:
        taken: set[str] = set()
        self._rails = []
        for file in self._root.glob(_PATTERN):
            folder, _, channel = file.rpartition("rail_name_")
            label = text_or(self._root, file)
            if label and "NC" not in label:
                self._rails.append((unique(label, taken), folder, channel))
        return None if self._rails else "no rail of the driver ina3221x"

    def read(self) -> Iterable[Sense]:
        for rail, folder, n in self._rails:
            volts, amps = f"{folder}in_voltage{n}_input", f"{folder}in_current{n}_input"
            power = f"{folder}in_power{n}_input"
            yield bounded(self._root, volts, f"rail.{rail}.voltage_mv", "mV", 300, 30_000)
            yield bounded(self._root, amps, f"rail.{rail}.current_ma", "mA", -200_000, 200_000)
            yield bounded(self._root, power, f"rail.{rail}.power_mw", "mW", 0, 2_000_000)
