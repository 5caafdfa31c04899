"""``edgerund simulate --compare``: the table of every controller against the bound."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgerund.errors import UsageError

if TYPE_CHECKING:
    from edgerund.sim.compare import Line, Outcome
    from edgerund.types import LadderPlan
    from edgerund.types.policy import PolicyPlan


def compare(args: argparse.Namespace, plan: PolicyPlan, ladders: tuple[LadderPlan, ...]) -> int:
    """Run every case, print one line each and the table at the end; or JSON."""
    from edgerund.sim import bundled
    from edgerund.sim.compare import BEST_STATIC, CONTROLLERS, Case, compare_all, summary

    unknown = set(args.only or ()) - {*CONTROLLERS, BEST_STATIC}
    if unknown:
        known = ", ".join((*CONTROLLERS, BEST_STATIC))
        raise UsageError(f"cannot compare {', '.join(sorted(unknown))}: known are {known}")
    names = args.scenario or bundled.scenario_names()
    seeds = range(args.seed, args.seed + (args.seeds or 5))
    only = tuple(args.only or ())
    cases = [
        Case(plan, Path(name).stem, bundled.scenario_path(name), ladders, seed, args.plant, only)
        for name in names
        for seed in seeds
    ]
    outcomes: list[Outcome] = []
    for outcome in compare_all(cases, args.jobs):
        outcomes.append(outcome)
        if not args.json:
            _print_outcome(outcome)
    lines = summary(outcomes)
    if args.json:
        print(json.dumps(_plain(outcomes, lines)))
    else:
        _print_table(outcomes, lines)
    return 0


def _plain(outcomes: Sequence[Outcome], lines: Sequence[Line]) -> dict[str, Any]:
    return {
        "summary": [line.plain() for line in lines],
        "cases": [
            {
                "scenario": o.scenario,
                "seed": o.seed,
                "bound": o.bound,
                "scores": {name: score.plain() for name, score in o.scores.items()},
            }
            for o in outcomes
        ],
    }


def _print_outcome(outcome: Outcome) -> None:
    name = next(iter(outcome.scores))
    score, gap = outcome.scores[name], outcome.gap_percent(name)
    told = "no variant keeps the limits" if gap is None else f"{gap:5.2f} % below the bound"
    print(
        f"{outcome.scenario:18s} {outcome.seed:3d}  {name}: {told}, {score.over_limit_s:.0f} s over, "
        f"{score.swaps_per_hour:.0f} swaps/h",
        flush=True,
    )


def _print_table(outcomes: Sequence[Outcome], lines: Sequence[Line]) -> None:
    left_out = sum(o.bound is None for o in outcomes)
    print(
        f"\n{len(outcomes) - left_out} cases with a bound, {left_out} where no variant keeps the limits"
    )
    print(
        f"{'controller':14s} {'gap mean':>8s} {'worst':>7s}  {'at':22s} {'s over':>7s} {'worst':>6s} "
        f"{'by C':>5s} {'missions':>9s} {'reserve off by':>15s} {'swaps/h':>8s}"
    )
    for x in lines:
        off = (
            ""
            if x.reserve_error_min_percent is None
            else (f"{x.reserve_error_min_percent:+.1f}..{x.reserve_error_max_percent:+.1f} %")
        )
        print(
            f"{x.controller:14s} {x.gap_mean_percent:7.2f}% {x.gap_worst_percent:6.2f}%  "
            f"{x.gap_worst_at:22s} {x.over_limit_s:7.0f} {x.over_limit_worst_s:6.0f} "
            f"{x.over_limit_max_c:5.1f} {x.missions_completed:4d}/{x.missions:<4d} {off:>15s} "
            f"{x.swaps_per_hour_worst:8.0f}"
        )
