"""The highest frequency of a system on chip's GPU: ``max_freq`` in ``/sys/class/devfreq``, in Hz."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence

from edgerund.actuators.frequency import Range, number, numbers, put
from edgerund.ports import SysRoot

KNOB = "max_freq"
_GPU = re.compile(r"gpu|gv11b|gp10b|ga10b|gb10b|mali", re.IGNORECASE)


class GpuFreq:
    """One knob per GPU; which devfreq device is one, its name or that in the device tree tells."""

    def __init__(self, root: SysRoot) -> None:
        self._root = root

    def probe(self) -> str | None:
        return None if self._knobs() else "no GPU in /sys/class/devfreq"

    def read(self) -> Mapping[str, str]:
        return {name: str(number(self._root, name)) for name in self._knobs()}

    def plan(self, share: float, was: Mapping[str, str]) -> Mapping[str, str]:
        return {
            name: str(self._range(name, int(value)).at(share, int(value)))
            for name, value in was.items()
        }

    def write(self, knob: str, value: str) -> None:
        put(self._root, knob, value)

    def _knobs(self) -> Sequence[str]:
        return [n for n in self._root.glob(f"/sys/class/devfreq/*/{KNOB}") if self._is_gpu(n)]

    def _is_gpu(self, knob: str) -> bool:
        folder = knob.removesuffix(KNOB)
        with contextlib.suppress(OSError):
            if _GPU.search(self._root.read(folder + "device/of_node/name").rstrip("\0")):
                return True
        return _GPU.search(folder.rstrip("/").rpartition("/")[2]) is not None

    def _range(self, knob: str, was: int) -> Range:
        folder = knob.removesuffix(KNOB)
        steps: tuple[int, ...] = ()
        with contextlib.suppress(OSError):  # not every driver has a list
            steps = numbers(self._root, folder + "available_frequencies")
        # min_freq is a floor that somebody may have set; the kernel keeps the maximum above it
        return Range(number(self._root, folder + "min_freq"), max(steps, default=was), steps)
