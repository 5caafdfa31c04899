"""One file per thing that can be slowed down and put back. Adding one: its file, its line here, its contract case."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "cpu_freq": "edgerund.actuators.cpu_freq:CpuFreq",
    "gpu_freq": "edgerund.actuators.gpu_freq:GpuFreq",
    "nvpmodel": "edgerund.actuators.nvpmodel:NvpModel",
}
