"""Discrete NVIDIA GPUs through NVML. Refuses on a Jetson, where NVML starts and then knows nothing."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterable
from typing import Any

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import text_or
from edgerund.types import NoData, Reading, Sense

_DRIVER = "/proc/driver/nvidia/version"
_COMPATIBLE = "/proc/device-tree/compatible"
_TEMPERATURE_GPU = 0
# software power cap, hardware slowdown, software and hardware thermal slowdown, power brake
_SLOWED = 0x4 | 0x8 | 0x20 | 0x40 | 0x80
_QUESTIONS: tuple[tuple[str, str, Callable[[Any, Any], float]], ...] = (
    ("nvml.{}.power_mw", "mW", lambda n, gpu: n.nvmlDeviceGetPowerUsage(gpu)),
    ("nvml.{}.temp_c", "C", lambda n, gpu: n.nvmlDeviceGetTemperature(gpu, _TEMPERATURE_GPU)),
    ("nvml.{}.memory_free_bytes", "B", lambda n, gpu: n.nvmlDeviceGetMemoryInfo(gpu).free),
    ("gpu.nvml{}.load", "1", lambda n, gpu: n.nvmlDeviceGetUtilizationRates(gpu).gpu / 100),
    (
        "throttle.nvml{}.active",
        "bool",
        lambda n, gpu: bool(n.nvmlDeviceGetCurrentClocksThrottleReasons(gpu) & _SLOWED),
    ),
)


class Nvml(FileSensor):
    """``nvml.<i>.{power_mw, temp_c, memory_free_bytes}``, ``gpu.nvml<i>.load``, ``throttle.nvml<i>.active``.

    The library is imported only where the kernel's driver is there.
    """

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._nvml: Any = None
        self._devices: list[Any] = []

    def probe(self) -> str | None:
        self.close()
        if not self._root.path(_DRIVER).exists():
            return "no NVIDIA driver"
        board = text_or(self._root, _COMPATIBLE)
        if "nvidia,tegra" in board and "tegra264" not in board:
            return "a Jetson: NVML answers NotSupported there, the sysfs readers do the work"
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return "the module pynvml is missing: pip install 'edgerund[nvml]'"
        try:
            nvml.nvmlInit()
            self._nvml = nvml
            self._devices = [
                nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())
            ]
        except nvml.NVMLError as e:
            return f"NVML does not start: {e}"
        return None if self._devices else "NVML sees no GPU"

    def read(self) -> Iterable[Sense]:
        for i, gpu in enumerate(self._devices):
            for name, unit, get in _QUESTIONS:
                yield self._ask(i, name.format(i), unit, gpu, get)

    def close(self) -> None:
        if self._nvml is not None:
            nvml, self._nvml, self._devices = self._nvml, None, []
            # a driver that is gone cannot be told goodbye
            with contextlib.suppress(nvml.NVMLError):
                nvml.nvmlShutdown()

    def _ask(
        self, index: int, name: str, unit: str, gpu: Any, get: Callable[[Any, Any], float]
    ) -> Sense:
        source = f"nvml:{index}"
        try:
            return Reading(name, float(get(self._nvml, gpu)), unit, 0.0, source)
        except self._nvml.NVMLError as e:
            reasons = {
                "NVMLError_NotSupported": "offline",
                "NVMLError_NoPermission": "denied",
                "NVMLError_GpuIsLost": "absent",
                "NVMLError_Uninitialized": "absent",
            }
            return NoData(name, reasons.get(type(e).__name__, "io"), str(e), source)
