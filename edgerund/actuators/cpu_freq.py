"""The highest frequency of the processor: ``scaling_max_freq`` of every cpufreq policy, in kHz."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from edgerund.actuators.frequency import Range, number, numbers, put
from edgerund.ports import SysRoot

FOLDERS = "/sys/devices/system/cpu/cpufreq/policy*/scaling_max_freq"
KNOB = "scaling_max_freq"


class CpuFreq:
    """One knob per cpufreq policy (a cluster of cores)."""

    def __init__(self, root: SysRoot) -> None:
        self._root = root

    def probe(self) -> str | None:
        return None if self._root.glob(FOLDERS) else "no cpufreq policy in /sys"

    def read(self) -> Mapping[str, str]:
        return {name: str(number(self._root, name)) for name in self._root.glob(FOLDERS)}

    def plan(self, share: float, was: Mapping[str, str]) -> Mapping[str, str]:
        return {name: str(self._range(name).at(share, int(value))) for name, value in was.items()}

    def write(self, knob: str, value: str) -> None:
        put(self._root, knob, value)

    def _range(self, knob: str) -> Range:
        folder = knob.removesuffix(KNOB)
        lowest = number(self._root, folder + "cpuinfo_min_freq")
        with contextlib.suppress(
            OSError
        ):  # a floor that somebody set; the kernel keeps the maximum above it
            lowest = max(lowest, number(self._root, folder + "scaling_min_freq"))
        steps: tuple[int, ...] = ()
        with contextlib.suppress(OSError):  # not every driver has a list
            steps = numbers(self._root, folder + "scaling_available_frequencies")
        return Range(lowest, number(self._root, folder + "cpuinfo_max_freq"), steps)
