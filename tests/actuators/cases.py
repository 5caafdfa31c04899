"""One tree of files per actuator: what the contract suite runs over."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgerund import registry
from edgerund.ports import Actuator
from edgerund.sensors.sysroot import FileRoot

CPU = "/sys/devices/system/cpu/cpufreq/policy{}/"
GPU = "/sys/class/devfreq/17000000.gpu/"
NVPMODEL = """#!/bin/sh
if [ "$1" = -q ]; then
    printf 'NV Power Mode: MODE_%s\\n%s\\n' "$(cat {mode})" "$(cat {mode})"
elif [ "$2" = 9 ]; then
    echo "NVPM WARN: Reboot required for changing to this power mode: 9"
    echo "DO YOU WANT TO REBOOT NOW? enter YES/yes to confirm:"
    read answer && [ "$answer" = YES ]
else
    printf %s "$2" > {mode}
fi
"""


def tree(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def clusters(*, steps: bool = True) -> dict[str, str]:
    """Two clusters of cores; the second one is held below its highest already."""
    found: dict[str, str] = {}
    for n, now in ((0, 1900000), (4, 1600000)):
        folder = CPU.format(n)
        found |= {
            folder + "scaling_max_freq": str(now),
            folder + "scaling_min_freq": "300000",
            folder + "cpuinfo_min_freq": "200000",
            folder + "cpuinfo_max_freq": "1900000",
        }
        if steps:
            found[folder + "scaling_available_frequencies"] = (
                "300000 800000 1200000 1600000 1900000"
            )
    return found


GPU_FILES = {
    GPU + "max_freq": "918000000",
    GPU + "min_freq": "306000000",
    GPU + "available_frequencies": "306000000 408000000 612000000 816000000 918000000",
    "/sys/class/devfreq/emc/max_freq": "3199000000",
    "/sys/class/devfreq/emc/min_freq": "204000000",
}


def fake_nvpmodel(folder: Path, mode: str = "0") -> Path:
    """A program that does what nvpmodel does, for a board of its own."""
    (folder / "mode").write_text(mode)
    program = folder / "nvpmodel"
    program.write_text(NVPMODEL.format(mode=shlex.quote(str(folder / "mode"))))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@dataclass(frozen=True)
class Case:
    """``lowest``: what no plan goes below, by knob; ``None``: not a number that is compared."""

    name: str
    files: Mapping[str, str] = field(default_factory=dict)
    options: Callable[[Path], dict[str, object]] = lambda _folder: {}
    missing: Callable[[Path], dict[str, object]] = lambda _folder: {}
    knobs: int = 1
    lowest: int = 0
    faster_is_more: bool = True

    def make(self, root: Path) -> Actuator:
        tree(root, self.files)
        made: Actuator = registry.resolve("actuators", self.name)(
            FileRoot(root), **self.options(root)
        )
        return made

    def absent(self, root: Path) -> Actuator:
        """The same on a machine that does not have it."""
        made: Actuator = registry.resolve("actuators", self.name)(
            FileRoot(root), **self.missing(root)
        )
        return made


CASES = {
    "cpu_freq": Case("cpu_freq", clusters(), knobs=2, lowest=300000),
    "cpu_freq, no list of steps": Case("cpu_freq", clusters(steps=False), knobs=2, lowest=300000),
    "gpu_freq": Case("gpu_freq", GPU_FILES, lowest=306000000),
    "gpu_freq, found by the device tree": Case(
        "gpu_freq",
        {
            "/sys/class/devfreq/57000000.x/max_freq": "921600000",
            "/sys/class/devfreq/57000000.x/min_freq": "76800000",
            "/sys/class/devfreq/57000000.x/device/of_node/name": "gpu\0",
        },
        lowest=76800000,
    ),
    "nvpmodel": Case(
        "nvpmodel",
        options=lambda root: {"modes": [0, 2, 3], "command": str(fake_nvpmodel(root))},
        missing=lambda root: {"modes": [0, 2], "command": str(root / "nowhere")},
        faster_is_more=False,
    ),
}
