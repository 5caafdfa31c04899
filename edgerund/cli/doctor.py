"""``edgerund doctor``: what this board needs for full function, each with the command that mends it."""

from __future__ import annotations

import argparse
import glob
import grp
import importlib.util
import json
import logging
import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgerund.actuators.load import left_capped
from edgerund.cli.sensors import settle
from edgerund.client.control import ControlClient
from edgerund.client.endpoint import runtime_dirs
from edgerund.clock import SystemClock
from edgerund.errors import ControlError
from edgerund.sensors.doctor import DEVICES, Facts, Finding, examine
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot

_MODULES = ("ai_edge_litert", "jtop", "onnxruntime", "pymavlink", "pynvml", "tensorrt")
_MARKS = {"mend": "!!", "note": " -", "ok": "ok"}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "doctor",
        help="what this board needs for full function",
        description="Exit code 0: nothing to mend; 1: see the lines marked !!.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    parser.add_argument(
        "--sysroot", type=Path, default=Path("/"), metavar="DIR", help="a captured board"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Look, and tell."""
    logging.getLogger("edgerund.sensors").addHandler(logging.NullHandler())
    root = FileRoot(args.sysroot)
    hub = SensorHub(root, SystemClock())
    hub.start()
    try:
        settle(hub)
        user, groups = whoami()
        facts = Facts(
            root,
            hub.senses(),
            hub.status(),
            user,
            groups,
            frozenset(m for m in _MODULES if importlib.util.find_spec(m) is not None),
            denied_devices() if args.sysroot == Path("/") else {},
        )
        findings = [*examine(facts), *left_behind()]
    finally:
        hub.stop()
    if args.json:
        print(json.dumps([asdict(f) for f in findings]))
    else:
        print(render(findings))
    return int(any(f.level == "mend" for f in findings))


def left_behind() -> list[Finding]:
    """Caps that a daemon did not put back, because it was killed and none was started since."""
    found = []
    for folder in runtime_dirs():
        names = left_capped(folder)
        if names and not answers(folder):
            text = f"{', '.join(names)} still capped by a daemon that was killed"
            mend = f"edgerund actuators restore --runtime-dir {folder}"
            found.append(Finding("mend", "actuators", text, mend))
    return found


def answers(folder: Path) -> bool:
    """Whether a daemon runs there."""
    with ControlClient(folder, timeout_s=2.0) as control:
        try:
            control.call("ping")
        except ControlError:
            return False
    return True


def render(findings: list[Finding]) -> str:
    """For people."""
    lines = []
    for f in findings:
        lines.append(f"{_MARKS[f.level]} {f.subject}: {f.text}")
        if f.mend:
            lines.append(f"      {f.mend}")
    return "\n".join(lines)


def whoami() -> tuple[str, frozenset[str]]:
    """The user's name and groups, by number where they have no name."""
    groups = {_name(lambda g=g: grp.getgrgid(g).gr_name, g) for g in os.getgroups()}
    uid = os.geteuid()
    return _name(lambda: pwd.getpwuid(uid).pw_name, uid), frozenset(groups)


def _name(look_up: Any, number: int) -> str:
    try:
        return str(look_up())
    except KeyError:
        return str(number)


def denied_devices() -> Mapping[str, str]:
    """Devices of the kinds that edgerund uses, which exist and may not be opened; with the group that may."""
    found: dict[str, str] = {}
    for path in glob.glob("/dev/tty[A-Z]*") + glob.glob("/dev/nv*") + glob.glob("/dev/dri/*"):  # noqa: PTH207
        for pattern, usual in DEVICES:
            if re.fullmatch(pattern, path) and not os.access(path, os.R_OK | os.W_OK):
                gid = Path(path).stat().st_gid
                owner = _name(lambda g=gid: grp.getgrgid(g).gr_name, gid)
                found[path] = usual if owner == "root" else owner
    return found
