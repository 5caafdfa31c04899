"""``edgerund policy tune``: search margin, horizon, dwell and reserve, and print what nothing else beats."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgerund.errors import UsageError

if TYPE_CHECKING:
    from edgerund.sim.tune import Found


def add_verb(verbs: Any) -> None:
    """The arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "tune", help="search the few free parameters on scenarios and recordings"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the policy to begin with")
    parser.add_argument("--scenario", action="append", metavar="NAME|FILE", help="may be repeated")
    parser.add_argument(
        "--recording",
        action="append",
        type=Path,
        metavar="FILE",
        default=[],
        help="a flight recording to judge by; may be given again",
    )
    parser.add_argument(
        "--ladder",
        action="append",
        metavar="NAME|PATH",
        help="a ladder of the simulator or a folder; may be given again",
    )
    parser.add_argument("--trials", type=int, default=40, help="policies to try")
    parser.add_argument("--seeds", type=int, default=2, help="per scenario")
    parser.add_argument("--seed", type=int, default=0, help="of the search")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def run(args: argparse.Namespace) -> int:
    """Search, and print the front."""
    from edgerund.config.policy import load_policy
    from edgerund.sim import bundled, tune
    from edgerund.sim.cards import load_cards
    from edgerund.sim.recording import Tape
    from edgerund.sim.scenario import load_scenario

    if args.trials < 1 or args.seeds < 1:
        raise UsageError("cannot tune with less than one trial and one seed")
    plan = load_policy(args.file)
    names = args.scenario or ([] if args.recording else bundled.scenario_names())
    scenarios = [
        (load_scenario(bundled.scenario_path(name)), seed)
        for name in names
        for seed in range(args.seeds)
    ]
    ladders = [
        load_cards(bundled.cards_path(name)) for name in args.ladder or [bundled.DEFAULT_LADDER]
    ]
    trials = tune.Trials(scenarios, ladders, [Tape(path) for path in args.recording])
    found = tune.tune(plan, trials, args.trials, args.seed, None if args.json else _progress)
    best = tune.front(found)
    if args.json:
        print(json.dumps({"now": _plain(found[0]), "front": [_plain(f) for f in best]}))
        return 0
    print(f"\n{len(found) - 1} sets tried; nothing tried beats these:")
    for f in best:
        print(_line(f))
    if found[0] in best:
        print("the policy as it is is one of them")
    return 0


def _progress(found: Found) -> None:
    print(_line(found), file=sys.stderr, flush=True)


def _plain(found: Found) -> dict[str, Any]:
    return {
        "parameters": dict(found.parameters),
        "accuracy": found.accuracy,
        "broken_s": found.broken,
        "swaps_per_hour": found.swaps_per_hour,
    }


def _line(found: Found) -> str:
    told = ", ".join(f"{name} {value:.3g}" for name, value in found.parameters) or "as it is"
    return (
        f"  accuracy {found.accuracy:.4f}  limits broken {found.broken:6.1f} s  "
        f"swaps/h {found.swaps_per_hour:5.1f}   {told}"
    )
