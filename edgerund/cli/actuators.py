"""``edgerund actuators``: what the daemon has capped on this machine; and putting it back by hand."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgerund.actuators.keeper import FILE, Keeper
from edgerund.actuators.load import left_capped, load_actuators
from edgerund.cli.daemon_args import add_daemon_arguments, reach
from edgerund.client.endpoint import runtime_dirs
from edgerund.errors import ControlError
from edgerund.sensors.sysroot import FileRoot


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "actuators",
        help="what is capped on this machine; put it back by hand",
        description="What the running daemon has capped, and what was there before. `restore` puts back what a "
        "daemon left that was killed; the next start does the same.",
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=["show", "restore"],
        default="show",
        help="show the knobs, or put back what a daemon that died has left",
    )
    parser.add_argument(
        "--sysroot", type=Path, default=Path("/"), metavar="DIR", help="with restore: another root"
    )
    parser.add_argument(
        "--options",
        type=json.loads,
        default={},
        metavar="JSON",
        help="with restore: options of actuators, as in the settings",
    )
    add_daemon_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Show or restore. Exit code 1: something could not be put back."""
    folder = _folder(args)
    if args.action == "restore":
        return _restore(args, folder)
    client = _daemon(args)
    if client is None:
        left = left_capped(folder)
        print(json.dumps({"left": left}) if args.json else _left(left, folder))
        return 0
    with client:
        reply = client.call("actuators")
    print(json.dumps(reply) if args.json else render(reply))
    return 0


def render(reply: Mapping[str, Any]) -> str:
    """For people: a line per actuator, one per knob that is not as it was."""
    if not reply["actuators"]:
        return "the policy uses no actuators"
    lines = []
    for one in reply["actuators"]:
        state = one["trouble"] or (
            f"capped to {100 * one['share']:.0f} %" if one["share"] < 1 else "not capped"
        )
        lines.append(f"{one['name']}: {state}")
        lines += [
            f"  {knob}: {one['put'][knob]} (was {was})"
            for knob, was in one["was"].items()
            if one["put"][knob] != was
        ]
    return "\n".join(lines)


def _restore(args: argparse.Namespace, folder: Path) -> int:
    client = _daemon(args)
    if client is not None:
        client.close()
        raise ControlError(
            "cannot restore while the daemon runs, which would cap again: take the actuators out of its policy, "
            "and reload"
        )
    names = left_capped(folder)
    if not names:
        print(f"nothing to restore: {folder / FILE} is not there")
        return 0
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    keeper = Keeper(folder, load_actuators(names, FileRoot(args.sysroot), args.options))
    keeper.recover()
    if not keeper.left():
        print(f"restored: {', '.join(names)}")
    return int(keeper.left())


def _daemon(args: argparse.Namespace) -> Any:
    """The daemon, None where none answers."""
    try:
        return reach(args)
    except ControlError:
        return None


def _left(names: list[str], folder: Path) -> str:
    if not names:
        return "no daemon runs, and nothing was left capped"
    return f"no daemon runs; {', '.join(names)} left capped ({folder / FILE}): edgerund actuators restore"


def _folder(args: argparse.Namespace) -> Path:
    if args.runtime_dir is not None:
        return Path(args.runtime_dir)
    folders = runtime_dirs()
    return next((f for f in folders if (f / FILE).exists()), folders[0])
