"""``edgerund pin``: hold one variant, with a reason and an expiry."""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from edgerund.cli.daemon_args import add_daemon_arguments, connect
from edgerund.errors import UsageError

UNITS_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "pin", help="hold one variant, for a while or until unpin"
    )
    parser.add_argument("ladder", help="name of the ladder")
    parser.add_argument("variant", help="name of the variant")
    parser.add_argument(
        "--for", dest="duration", metavar="TIME", help="such as 90s, 10m, 2h; unset: until unpin"
    )
    parser.add_argument("--reason", metavar="TEXT", default="", help="shown by status and why")
    add_daemon_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Pin."""
    for_s = None if args.duration is None else parse_duration_s(args.duration)
    with connect(args) as control:
        reply = control.call(
            "pin", ladder=args.ladder, variant=args.variant, for_s=for_s, reason=args.reason
        )
    if args.json:
        print(json.dumps(reply))
    else:
        print(
            f"{args.ladder}: held on {args.variant} "
            + (f"for {args.duration}" if for_s else "until unpin")
        )
    return 0


def parse_duration_s(text: str) -> float:
    """``90s``, ``10m``, ``2h``, ``1d`` as seconds. Raises UsageError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|h|d)", text.strip())
    if not match or float(match[1]) <= 0:
        raise UsageError(f"cannot read the time {text!r}: write 90s, 10m, 2h or 1d")
    return float(match[1]) * UNITS_S[match[2]]
