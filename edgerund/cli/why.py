"""``edgerund why``: why this variant answers, since when, what was rejected and what would have to change."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgerund.cli.daemon_args import add_daemon_arguments, connect
from edgerund.cli.why_then import ask_then, read_then, render_then
from edgerund.errors import UsageError
from edgerund.observe.decision_log import decision_of


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "why",
        help="why this variant answers, and what would have to change",
        description="The last decision: why this variant, for how long, what was rejected and why, what would "
        "have to change, and what absent sensors mean for it. With --at, the decision that held then; the daemon "
        "keeps its changes of mind, also over a restart.",
    )
    # lets --at take -10m, which argparse would otherwise read as an option
    parser._negative_number_matcher = re.compile(r"^-\d")
    parser.add_argument("ladder", nargs="?", help="one ladder (default: all)")
    parser.add_argument(
        "--at", metavar="TIME", help="such as 14:03, 14:03:22, 2026-05-01T14:03, or -10m"
    )
    parser.add_argument(
        "--recording", type=Path, metavar="FILE", help="with --at: from a flight recording"
    )
    add_daemon_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Ask and print."""
    if args.at is not None or args.recording is not None:
        if args.at is None:
            raise UsageError("cannot say why without a time: give --at with --recording")
        reply = read_then(args) if args.recording is not None else ask_then(args)
        print(json.dumps(reply) if args.json else render_then(reply))
        return 0
    with connect(args) as control:
        reply = control.call("why", **({"ladder": args.ladder} if args.ladder else {}))
    print(json.dumps(reply) if args.json else render(reply))
    return 0


def render(reply: Mapping[str, Any]) -> str:
    """For people: one paragraph per ladder."""
    from edgerund.policy.explain import explain

    live = reply["live"]
    paragraphs = []
    decided = set()
    for item in reply["decisions"]:
        decision = decision_of(item)
        decided.add(decision.ladder)
        lines = [explain(decision)]
        answers = live.get(decision.ladder) or "nothing"
        if answers != decision.variant:
            lines.append(f"  {answers} still answers: the swap to {decision.variant} is under way")
        paragraphs.append("\n".join(lines))
    paragraphs += [
        f"{name}: nothing is decided: no variant is usable, or the daemon has only just started "
        "(edgerund status)"
        for name in live
        if name not in decided
    ]
    return "\n\n".join(paragraphs)
