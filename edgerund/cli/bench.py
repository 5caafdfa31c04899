"""``edgerund bench``: the data path measured in one run, with swaps or against the engine alone."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from edgerund.errors import UsageError


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "bench",
        help="measure the data path, with swaps or against the engine alone",
        description="Starts a daemon of its own on LADDER (the bundled one by default) and measures it.",
    )
    parser.add_argument("ladder", nargs="?", type=Path, help="folder with a ladder.yaml")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--swap-every",
        type=float,
        metavar="S",
        help="pin another variant every S seconds under load",
    )
    kind.add_argument(
        "--baseline", action="store_true", help="round trip against the same engine in this process"
    )
    parser.add_argument("--variant", help="variant for --baseline (default: the best)")
    parser.add_argument(
        "--clients", type=int, default=2, help="clients that send as fast as they are answered"
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="length of a --swap-every run")
    parser.add_argument("--rounds", type=int, default=1000, help="rounds of a --baseline run")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    return parser


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    from edgerund.bench.daemon import own_daemon
    from edgerund.config.ladder import load_ladder
    from edgerund.config.share import shared_file

    _check(args)
    path = args.ladder or shared_file("variants/cifar10")
    plan = load_ladder(path)
    names = [v.name for v in plan.variants]
    if args.variant not in (None, *names):
        raise UsageError(f"cannot measure {args.variant!r}: {plan.name!r} has {', '.join(names)}")
    figures: Any
    with own_daemon({"ladders": [{"path": str(path.resolve())}]}) as runtime_dir:
        if args.baseline:
            from edgerund.bench.baseline import measure_baseline

            variant = args.variant or plan.variants[0].name
            _pin(runtime_dir, plan.name, variant)
            figures = measure_baseline(runtime_dir, plan, variant, rounds=args.rounds)
        else:
            from edgerund.bench.swaps import measure_swaps

            figures = measure_swaps(
                runtime_dir,
                plan.name,
                every_s=args.swap_every,
                seconds=args.seconds,
                clients=args.clients,
            )
    told = figures.to_json()
    if args.json:
        print(json.dumps(told))
    else:
        for key, value in told.items():
            print(f"{key:<20} {value:.3f}" if isinstance(value, float) else f"{key:<20} {value}")
    return 0


def _check(args: argparse.Namespace) -> None:
    every_s = 1.0 if args.swap_every is None else args.swap_every
    if min(args.clients, args.rounds) < 1 or not (args.seconds > 0 and every_s > 0):
        raise UsageError("cannot measure with nothing: clients, rounds and times must be above 0")
    if not every_s <= args.seconds < math.inf:
        raise UsageError(f"cannot swap every {every_s:g} s: raise --seconds above {args.seconds:g}")


def _pin(runtime_dir: Path, ladder: str, variant: str) -> None:
    from edgerund.client.control import ControlClient

    with ControlClient(runtime_dir) as control:
        control.call("pin", ladder=ladder, variant=variant, reason="bench")
