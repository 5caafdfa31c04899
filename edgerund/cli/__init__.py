"""The command line: every command is a client of the daemon or of one room.

One module per command, imported only when it is called, so that ``serve`` starts quickly and a broken optional
dependency of one command leaves the others alone. A module offers ``add_parser(subparsers)`` and ``run(args)``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Mapping

import edgerund
from edgerund.errors import EdgerundError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("edgerund.cli.serve", "run the daemon"),
    "status": ("edgerund.cli.status", "what the daemon is doing"),
    "why": ("edgerund.cli.why", "why this variant answers, and what would have to change"),
    "pin": ("edgerund.cli.pin", "hold one variant, for a while or until unpin"),
    "unpin": ("edgerund.cli.unpin", "give the ladder back to the policy"),
    "reload": ("edgerund.cli.reload", "read settings, policy and ladders again; all or nothing"),
    "infer": ("edgerund.cli.infer", "send images and print the answers"),
    "bench": (
        "edgerund.cli.bench",
        "measure the data path, with swaps or against the engine alone",
    ),
    "ladder": ("edgerund.cli.ladder", "check, write, show ladders"),
    "build": ("edgerund.cli.build", "turn one trained model into a measured ladder"),
    "profile": ("edgerund.cli.profile", "measure a ladder on this board, and write its cards"),
    "policy": ("edgerund.cli.policy", "check, explain, compare policies"),
    "sensors": (
        "edgerund.cli.sensors",
        "what is read from this machine, and what is absent and why",
    ),
    "actuators": ("edgerund.cli.actuators", "what is capped on this machine; put it back by hand"),
    "doctor": ("edgerund.cli.doctor", "what this board needs for full function"),
    "record": ("edgerund.cli.record", "record snapshots and decisions"),
    "simulate": ("edgerund.cli.simulate", "run a policy on a simulated board"),
    "replay": ("edgerund.cli.replay", "decide again what a device recorded"),
    "demo": ("edgerund.cli.demo", "watch a simulated board heat up and the variants change"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0, or that of the error (``edgerund.errors``), 130 after Ctrl-C.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        args = _parser(argv).parse_args(argv)
        code: int = args.run(args)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where it can still be told that nobody takes the output
        return code
    except EdgerundError as e:
        print(f"edgerund: {e}", file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _drop_output()  # whoever read it has gone
        return 0
    except OSError as e:
        _drop_output()
        print(f"edgerund: cannot go on: {e}", file=sys.stderr)
        return 1


def _drop_output() -> None:
    """What is still in the buffer goes nowhere, so that the interpreter does not complain at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgerund",
        description="Adaptive runtime daemon for neural networks on small computers.",
        epilog="Exit codes are listed in docs/reference/errors.md.",
    )
    parser.add_argument("--version", action="version", version=f"edgerund {edgerund.__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    called = next((a for a in argv if not a.startswith("-")), None)
    for name, (module, summary) in COMMANDS.items():
        if name == called:
            command = importlib.import_module(module)
            command.add_parser(subparsers).set_defaults(run=command.run)
        else:
            subparsers.add_parser(name, help=summary)
    return parser
