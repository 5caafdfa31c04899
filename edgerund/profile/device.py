"""What this computer is, in one line for a card."""

from __future__ import annotations

import os
import platform
import re

from edgerund.ports import SysRoot


def describe_device(root: SysRoot) -> str:
    """Board or processor, cores, system: ``NVIDIA Jetson Orin Nano, 6 cores, Linux aarch64``."""
    name = _board(root) or _processor(root) or platform.processor() or "unknown processor"
    cores = os.cpu_count() or 1
    parts = [name, f"{cores} core{'s' if cores > 1 else ''}"]
    if re.search(r"^flags\s*:.*\bhypervisor\b", _text(root, "/proc/cpuinfo"), re.M):
        parts.append("virtual machine")
    return ", ".join([*parts, f"{platform.system()} {platform.machine()}"])


def _board(root: SysRoot) -> str:
    return _text(root, "/proc/device-tree/model").strip("\0 \n")


def _processor(root: SysRoot) -> str:
    text = _text(root, "/proc/cpuinfo")
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.M)
    if not found:
        return ""
    name = " ".join(re.sub(r"\((?:R|TM|tm|r)\)", "", found[1]).split())
    vector = [word for flag, word in _VECTOR if re.search(rf"\b{flag}\b", text)]
    return f"{name} with {' and '.join(vector)}" if vector else name


_VECTOR = (
    ("avx512_vnni", "AVX512-VNNI"),
    ("avx_vnni", "AVX-VNNI"),
    ("amx_int8", "AMX"),
    ("asimddp", "dot product"),
    ("i8mm", "I8MM"),
)


def _text(root: SysRoot, name: str) -> str:
    try:
        return root.read(name, limit=1 << 20)
    except OSError:
        return ""
