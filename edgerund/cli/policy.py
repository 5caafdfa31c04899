"""``edgerund policy``: check, explain, compare and test policy files, and print their schema."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edgerund.cli import policy_tune, policy_words
from edgerund.config.policy import load_policy, policy_schema
from edgerund.config.source import read_yaml
from edgerund.errors import ConfigError, EngineError
from edgerund.types.policy import LearnedTerms


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "policy", help="check, explain, compare and test policies"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    check = verbs.add_parser("check", help="name every mistake with file and line")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help="policy files")
    check.add_argument("--json", action="store_true", help="one object per mistake")
    check.add_argument(
        "--ladder",
        action="append",
        default=[],
        metavar="NAME|PATH",
        help="a ladder that it is to serve, for `learned`; may be given again",
    )
    verbs.add_parser("schema", help="JSON Schema of policy files, for editors")
    explain = verbs.add_parser("explain", help="what a policy does, in words")
    explain.add_argument("file", type=Path, metavar="FILE", help="a policy file")
    diff = verbs.add_parser("diff", help="what differs between two policies, in words")
    diff.add_argument("old", type=Path, metavar="OLD", help="the policy as it was")
    diff.add_argument("new", type=Path, metavar="NEW", help="the policy as it is to be")
    test = verbs.add_parser("test", help="run the `expect` block of policies in the simulator")
    test.add_argument("files", nargs="+", type=Path, metavar="FILE", help="policy files")
    test.add_argument("--json", action="store_true", help="print JSON, for scripts")
    policy_tune.add_verb(verbs)
    return parser


def run(args: argparse.Namespace) -> int:
    """Run one verb."""
    if args.verb == "check":
        return _check(args.files, args.ladder, as_json=args.json)
    if args.verb == "schema":
        print(json.dumps(policy_schema(), indent=2))
        return 0
    if args.verb == "explain":
        print("\n".join(policy_words.sentences(load_policy(args.file))))
        return 0
    if args.verb == "diff":
        return _diff(args.old, args.new)
    if args.verb == "tune":
        return policy_tune.run(args)
    from edgerund.cli import policy_test

    return policy_test.run(args.files, as_json=args.json)


def _check(files: list[Path], ladders: list[str], *, as_json: bool) -> int:
    codes = [_check_one(file, ladders, as_json=as_json) for file in files]
    return max(codes)


def _check_one(file: Path, ladders: list[str], *, as_json: bool) -> int:
    try:
        plan = load_policy(file)
        if plan.learned is not None:
            _check_network(file, plan.learned, ladders)
    except ConfigError as e:
        for problem in e.problems:
            if as_json:
                print(
                    json.dumps(
                        {n: getattr(problem, n) for n in ("file", "line", "where", "message")}
                    )
                )
            else:
                print(problem, file=sys.stderr)
        return e.exit_code
    if not as_json:
        print(f"{file}: policy {plan.name!r} is valid")
    return 0


def _check_network(file: Path, terms: LearnedTerms, ladders: list[str]) -> None:
    """Whether the network can be loaded, and speaks of each of these ladders. Raises ConfigError."""
    from edgerund.learned.network import Network
    from edgerund.sim import bundled
    from edgerund.sim.cards import load_cards

    served = [load_cards(bundled.cards_path(name)) for name in ladders]
    try:
        network = Network(Path(terms.file), terms.sha256)
        for ladder in served:
            if not terms.ladders or ladder.name in terms.ladders:
                network.fit(len(ladder.variants))
    except EngineError as e:
        raise ConfigError([read_yaml(file).problem(("learned", "file"), str(e))]) from e


def _diff(old: Path, new: Path) -> int:
    """Like ``diff``: 0 if the two say the same, 1 if they differ."""
    before = policy_words.sentences(load_policy(old))
    after = policy_words.sentences(load_policy(new))
    changes = [f"- {line}" for line in before if line not in after]
    changes += [f"+ {line}" for line in after if line not in before]
    print("\n".join(changes) if changes else "the two policies say the same")
    return 1 if changes else 0
