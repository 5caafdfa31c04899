"""Stands in for nvidia-ml-py: two GPUs, the second of which measures no power and is then lost."""

from __future__ import annotations

from types import SimpleNamespace

started = 0
lost = False


class NVMLError(Exception):
    pass


class NVMLError_NotSupported(NVMLError):
    pass


class NVMLError_GpuIsLost(NVMLError):
    pass


def nvmlInit() -> None:
    global started  # noqa: PLW0603
    started += 1


def nvmlShutdown() -> None:
    global started  # noqa: PLW0603
    started -= 1


def nvmlDeviceGetCount() -> int:
    return 2


def nvmlDeviceGetHandleByIndex(i: int) -> int:
    return i


def _there(i: int) -> None:
    if lost and i == 1:
        raise NVMLError_GpuIsLost("GPU is lost")


def nvmlDeviceGetPowerUsage(i: int) -> int:
    _there(i)
    if i == 1:
        raise NVMLError_NotSupported("Not Supported")
    return 71_500


def nvmlDeviceGetTemperature(i: int, sensor: int) -> int:
    _there(i)
    assert sensor == 0
    return 38 + i


def nvmlDeviceGetMemoryInfo(i: int) -> SimpleNamespace:
    _there(i)
    return SimpleNamespace(free=1 << 30)


def nvmlDeviceGetUtilizationRates(i: int) -> SimpleNamespace:
    _there(i)
    return SimpleNamespace(gpu=25 * (i + 1))


def nvmlDeviceGetCurrentClocksThrottleReasons(i: int) -> int:
    _there(i)
    return 0x1 if i == 0 else 0x20
