"""``edgerund ladder``: check, show and write ladders. Works on files; needs no daemon."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from edgerund.errors import EdgerundError

TASKS = ("classify", "detect", "tensor")


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "ladder", help="check, show and write ladders"
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True, dest="verb")
    _add_check(verbs)
    _add_show(verbs)
    _add_init(verbs)
    _add_golden(verbs)
    schema = verbs.add_parser("schema", help="print the JSON Schema of ladder.yaml, or of a card")
    schema.add_argument("--card", action="store_true", help="the schema of a card file")
    return parser


def _add_path(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="the ladder's folder, or its file")


def _add_check(verbs: Any) -> None:
    parser = verbs.add_parser(
        "check",
        help="name every mistake, then run every variant",
        description="Reads the ladder, its cards and its files, then loads each variant in a process of its own "
        "and asks it the golden question. Exit code 0: all is well; 10: the files are wrong; 11: a variant "
        "cannot be used.",
    )
    _add_path(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    parser.add_argument("--threads", type=int, default=1, help="threads of one inference (1)")
    parser.add_argument(
        "--timeout", type=float, default=120, metavar="S", help="seconds for one variant (120)"
    )


def _add_show(verbs: Any) -> None:
    parser = verbs.add_parser("show", help="print the variants and their measured figures")
    _add_path(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def _add_init(verbs: Any) -> None:
    parser = verbs.add_parser(
        "init",
        help="write a first ladder.yaml from model files",
        description="Reads what each model says of its inputs and outputs, guesses the rest, and says in the "
        "file what was guessed. Overwrites nothing.",
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help="model files")
    parser.add_argument("--task", choices=TASKS, help="default: guessed from the outputs")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: the first model's folder")
    parser.add_argument("--name", help="the ladder's name; default: the folder's")
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="a text file, one label per line"
    )


def _add_golden(verbs: Any) -> None:
    parser = verbs.add_parser(
        "golden",
        help="write what each variant answers to one known frame",
        description="Asks each variant about one frame and stores its outputs; the daemon compares with them "
        "before a variant serves. Stored outputs that would change need --replace.",
    )
    _add_path(parser)
    parser.add_argument(
        "--frame", type=Path, metavar="IMAGE", help="default: the stored one, else a made-up one"
    )
    parser.add_argument("--replace", action="store_true", help="also where stored outputs differ")


def run(args: argparse.Namespace) -> int:
    """Run one verb; returns the exit code."""
    if args.verb == "schema":
        return _schema(args)
    command = importlib.import_module(f"edgerund.cli.ladder_{args.verb}")
    code: int = command.run(args)
    return code


def _schema(args: argparse.Namespace) -> int:
    from edgerund.config.card import card_schema
    from edgerund.config.ladder import ladder_schema

    print(json.dumps(card_schema() if args.card else ladder_schema(), indent=2))
    return 0


def main(argv: list[str] | None = None) -> int:
    """``python -m edgerund.cli.ladder VERB ...``: these commands on their own."""
    parser = argparse.ArgumentParser(prog="python -m edgerund.cli")
    add_parser(parser.add_subparsers(required=True))
    try:
        return run(parser.parse_args(["ladder", *(sys.argv[1:] if argv is None else argv)]))
    except EdgerundError as e:
        print(f"edgerund: {e}", file=sys.stderr)
        return e.exit_code


if __name__ == "__main__":
    sys.exit(main())
