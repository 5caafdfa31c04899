"""GPU load and clocks of a system on chip: ``/sys/class/devfreq``, found by what the device tree calls it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import bounded, text_or, unique
from edgerund.types import Sense

_GPU = re.compile(r"gpu|gv11b|gp10b|ga10b|gb10b|mali", re.IGNORECASE)


class GpuDevfreq(FileSensor):
    """``gpu.<node>.load`` (0..1), ``gpu.<node>.{freq_mhz, max_mhz}``."""

    def __init__(self, root: SysRoot, clock: Clock, period_s: float | None = None) -> None:
        super().__init__(root, clock, period_s)
        self._nodes: list[tuple[str, str, bool]] = []

    def probe(self) -> str | None:
        taken: set[str] = set()
        self._nodes = []
        for file in self._root.glob("/sys/class/devfreq/*/cur_freq"):
            folder = file.removesuffix("cur_freq")
            node = folder.rstrip("/").rpartition("/")[2]
            tree_name = text_or(self._root, folder + "device/of_node/name").rstrip("\0")
            if _GPU.search(tree_name) or _GPU.search(node):
                has_load = self._root.path(folder + "device/load").exists()
                self._nodes.append((unique(node, taken), folder, has_load))
        return None if self._nodes else "no GPU in /sys/class/devfreq"

    def read(self) -> Iterable[Sense]:
        for node, folder, has_load in self._nodes:
            if has_load:
                load = folder + "device/load"  # per mille
                yield bounded(self._root, load, f"gpu.{node}.load", "1", 0, 1, 1000)
            for file, quantity in (("cur_freq", "freq_mhz"), ("max_freq", "max_mhz")):
                name = f"gpu.{node}.{quantity}"
                yield bounded(self._root, folder + file, name, "MHz", 0, 10_000, 1_000_000)
