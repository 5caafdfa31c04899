"""Resident memory of this process: now, and at its highest since it was told to forget."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """The highest mark becomes the present size (Linux 4.0; proc(5), clear_refs). Without effect where denied."""
    with contextlib.suppress(OSError):
        _FORGET.write_text("5", encoding="ascii")


def resident_bytes() -> int | None:
    """Resident memory, counted exactly (smaps), or as ``status`` tells it; None without /proc."""
    with contextlib.suppress(OSError):
        found = re.search(r"^Rss:\s+(\d+) kB", _text(Path("/proc/self/smaps_rollup")), re.M)
        if found:
            return int(found[1]) * 1024
    return _status("VmRSS")


def peak_bytes() -> int | None:
    """The highest resident memory since ``forget_peak``; None without /proc."""
    return _status("VmHWM")


def _status(key: str) -> int | None:
    try:
        found = re.search(rf"^{key}:\s+(\d+) kB", _text(_STATUS), re.M)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace")
