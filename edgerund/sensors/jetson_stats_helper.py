"""The process that talks to jetson-stats (AGPL-3.0) and prints JSON lines; nothing of it enters the daemon.

Run by ``jetson_stats.py`` as ``python -m edgerund.sensors.jetson_stats_helper SETTINGS``.
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections.abc import Mapping
from typing import Any

from edgerund.sensors.child import fail, say

OFFLINE_C = -256


def rows(board: Any, at_s: float) -> list[list[Any]]:
    """One sample of a running ``jtop`` as senses: name, value, unit, at_s, source, and why where it is null."""
    found = _rails(board.power or {}, at_s)
    found += _zones(board.temperature or {}, at_s)
    found += _gpus(board.gpu or {}, at_s)
    ram = (board.memory or {}).get("RAM", {})
    if "tot" in ram and "used" in ram:
        free_bytes = (ram["tot"] - ram["used"]) * 1024
        found.append(["jtop.memory.available_bytes", free_bytes, "B", at_s, "jtop"])
    cores = [
        100 - c["idle"] for c in (board.cpu or {}).get("cpu", ()) if c.get("online") and "idle" in c
    ]
    if cores:
        # the library's own total is not to be trusted: the mean of the cores is
        found.append(["jtop.cpu.load", sum(cores) / len(cores) / 100, "1", at_s, "jtop"])
    if board.nvpmodel is not None:
        source = f"jtop ({board.nvpmodel.name})"
        found.append(["jtop.nvpmodel.mode", board.nvpmodel.id, "id", at_s, source])
    return found


def _rails(power: Mapping[str, Any], at_s: float) -> list[list[Any]]:
    rails = dict(power.get("rail", {}))
    total = power.get("tot", {})
    if "name" in total:  # the input rail was moved out of the list
        rails[total["name"]] = total
    found: list[list[Any]] = []
    for label, rail in rails.items():
        name = f"jtop.rail.{label}.power_mw"
        if rail.get("online", True):
            found.append([name, rail["power"], "mW", at_s, "jtop"])
        else:
            found.append([name, None, "mW", at_s, "jtop", "offline", "jtop calls it offline"])
    return found


def _zones(temperature: Mapping[str, Any], at_s: float) -> list[list[Any]]:
    found: list[list[Any]] = []
    for label, zone in temperature.items():
        name = f"jtop.zone.{label.replace(' ', '_')}.temp_c"
        if zone.get("online", True) and zone["temp"] > OFFLINE_C:
            found.append([name, zone["temp"], "C", at_s, "jtop"])
        else:
            found.append([name, None, "C", at_s, "jtop", "offline", "jtop calls it offline"])
    return found


def _gpus(gpu: Mapping[str, Any], at_s: float) -> list[list[Any]]:
    return [
        [f"gpu.jtop_{name}.load", one["status"]["load"] / 100, "1", at_s, "jtop"]
        for name, one in gpu.items()
        if "load" in one.get("status", {})
    ]


def main(settings_json: str) -> int:
    """Run until standard input ends or jtop stops."""
    settings = json.loads(settings_json)
    try:
        from jtop import JtopException, jtop
    except ImportError:
        return fail("absent", "the module jtop is missing: pip install 'edgerund[jetson]'")
    try:
        with jtop(interval=settings["interval_s"]) as board:
            while board.ok() and not _told_to_leave():
                say({"senses": rows(board, time.monotonic())})
    except JtopException as e:
        text = str(e)
        denied = "permission" in text.lower() or "group" in text.lower()
        return fail("denied" if denied else "offline", f"jtop: {text}")
    return fail("offline", "jtop stopped")


def _told_to_leave() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(ready)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
