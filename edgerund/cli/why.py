"""``edgerund why``: why this variant answers, since when, what was rejected and what would have to change."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from edgerund.cli.daemon_args import add_daemon_arguments, connect
from edgerund.types import Decision, Reason, Rejection


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "why",
        help="why this variant answers, and what would have to change",
        description="The last decision: why this variant, for how long, what was rejected and why, what would "
        "have to change, and what absent sensors mean for it.",
    )
    parser.add_argument("ladder", nargs="?", help="one ladder (default: all)")
    add_daemon_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Ask and print."""
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


def decision_of(item: Mapping[str, Any]) -> Decision:
    """The decision as the policy knows it, from its JSON form."""
    return Decision(
        **{
            **item,
            "reason": Reason(**item["reason"]),
            "rejected": tuple(
                Rejection(r["variant"], Reason(**r["reason"])) for r in item["rejected"]
            ),
            "warm": tuple(item["warm"]),
            "notes": tuple(item["notes"]),
        }
    )
