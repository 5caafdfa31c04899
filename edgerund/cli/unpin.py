"""``edgerund unpin``: give the ladder back to the policy."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edgerund.cli.daemon_args import add_daemon_arguments, connect


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "unpin", help="give the ladder back to the policy"
    )
    parser.add_argument("ladder", help="name of the ladder")
    add_daemon_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Unpin."""
    with connect(args) as control:
        reply = control.call("unpin", ladder=args.ladder)
    if args.json:
        print(json.dumps(reply))
    else:
        was = f"no longer held on {reply['was']}" if reply["was"] else "was not held"
        print(f"{args.ladder}: {was}")
    return 0
