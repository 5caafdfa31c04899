"""A simulated board: writes the files of a small computer below a folder, so that readers see it as hardware."""

from __future__ import annotations

import os
from pathlib import Path

BATTERY_FULL_MWH = 50_000.0


class FakeBoard:
    """A tree for ``FileRoot(board.root)`` whose values change while it is read. Every write is atomic.

    Args:
        root: an empty or absent folder; ``sys`` and ``proc`` appear below it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._zones: dict[str, int] = {}
        self._rails: dict[str, int] = {}
        self._jiffies = [0, 0]
        self.memory(available_bytes=4 << 30, total_bytes=8 << 30)
        self.cpu_load(0.0)
        self.throttle(0)

    def write(self, name: str, text: str) -> None:
        """Put ``text`` into the file ``name`` (``/sys/...``); a reader sees the old or the new one."""
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text + "\n", encoding="utf-8")
        os.replace(fresh, path)  # noqa: PTH105  Path.replace would do the same

    def zone(self, kind: str, temp_c: float) -> None:
        """Set a thermal zone, by its type."""
        n = self._zones.setdefault(kind, len(self._zones))
        folder = f"/sys/class/thermal/thermal_zone{n}"
        self.write(f"{folder}/temp", str(round(temp_c * 1000)))
        self.write(f"{folder}/type", kind)

    def rail(self, label: str, power_mw: float, voltage_mv: int = 5000) -> None:
        """Set a rail of an INA3221, by its label; up to three fit on a chip."""
        n = self._rails.setdefault(label, len(self._rails))
        folder, channel = f"/sys/class/hwmon/hwmon{n // 3}", n % 3 + 1
        self.write(f"{folder}/in{channel}_input", str(voltage_mv))
        self.write(f"{folder}/curr{channel}_input", str(round(1000 * power_mw / voltage_mv)))
        self.write(f"{folder}/in{channel}_label", label)
        self.write(f"{folder}/name", "ina3221")

    def battery(
        self,
        percent: float,
        status: str = "Discharging",
        power_mw: float = 0.0,
        full_mwh: float = BATTERY_FULL_MWH,
    ) -> None:
        """Set the battery. ``status`` is one of the kernel's words; ``power_mw`` has no sign."""
        folder = "/sys/class/power_supply/BAT0"
        self.write(f"{folder}/capacity", str(round(percent)))
        self.write(f"{folder}/energy_now", str(round(percent / 100 * full_mwh * 1000)))
        self.write(f"{folder}/energy_full", str(round(full_mwh * 1000)))
        self.write(f"{folder}/power_now", str(round(abs(power_mw) * 1000)))
        self.write(f"{folder}/voltage_now", "11400000")
        self.write(f"{folder}/status", status)
        self.write(f"{folder}/present", "1")
        self.write(f"{folder}/type", "Battery")

    def memory(
        self, available_bytes: int, total_bytes: int = 8 << 30, pressure: float = 0.0
    ) -> None:
        """Set the memory that is left, and its pressure (some avg10, percent)."""
        lines = f"MemTotal: {total_bytes >> 10} kB\nMemAvailable: {available_bytes >> 10} kB"
        self.write("/proc/meminfo", lines)
        rest = "avg60=0.00 avg300=0.00 total=0"
        text = f"some avg10={pressure:.2f} {rest}\nfull avg10=0.00 {rest}"
        self.write("/proc/pressure/memory", text)

    def cpu_load(self, share: float) -> None:
        """Let 1 s pass on 4 cores of which ``share`` (0..1) was busy."""
        self._jiffies[0] += round(400 * share)
        self._jiffies[1] += round(400 * (1 - share))
        busy, idle = self._jiffies
        self.write("/proc/stat", f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0")
        self.write("/proc/loadavg", f"{4 * share:.2f} 0.00 0.00 1/100 1000")

    def throttle(self, state: int, kind: str = "cpu-throttle-alert", highest: int = 3) -> None:
        """Set the state of a cooling device; above 0 the board throttles itself."""
        folder = "/sys/class/thermal/cooling_device0"
        self.write(f"{folder}/cur_state", str(state))
        self.write(f"{folder}/max_state", str(highest))
        self.write(f"{folder}/type", kind)

    def lose(self, name: str) -> None:
        """Take away one file or everything below a folder, as when a driver goes."""
        path = self.root / name.lstrip("/")
        if path.is_dir():
            for child in sorted(path.rglob("*"), reverse=True):
                child.rmdir() if child.is_dir() else child.unlink()
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
