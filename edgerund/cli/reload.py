"""``edgerund reload``: settings, policy and ladders are read again; the old state stays when one is wrong."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edgerund.cli.daemon_args import add_daemon_arguments, connect

TIMEOUT_S = 150.0


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "reload", help="read settings, policy and ladders again; all or nothing"
    )
    add_daemon_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Reload, and wait for the outcome."""
    with connect(args) as control:
        reply = control.call("reload", timeout_s=TIMEOUT_S)
    if args.json:
        print(json.dumps(reply))
    else:
        replaced = ", ".join(reply["replaced"]) or "none"
        print(f"reloaded; ladders: {', '.join(reply['ladders'])}; replaced: {replaced}")
    return 0
