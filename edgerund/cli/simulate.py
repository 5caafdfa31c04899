"""``edgerund simulate``: a policy on an imagined board, against the bound and the baselines if asked."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgerund.errors import UsageError

if TYPE_CHECKING:
    from edgerund.sim.compare import Line, Outcome
    from edgerund.sim.runner import Score
    from edgerund.types import LadderPlan
    from edgerund.types.policy import PolicyPlan


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "simulate", help="run a policy on a simulated board"
    )
    parser.add_argument("policy", type=Path, nargs="?", help="policy file")
    parser.add_argument(
        "--scenario", action="append", metavar="NAME|FILE", help="may be repeated; --compare: all"
    )
    parser.add_argument("--ladder", action="append", metavar="NAME|PATH", help="may be repeated")
    parser.add_argument("--plant", default="default", metavar="NAME|module:Class")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, metavar="N", help="with --compare: seeds 0 to N-1 (5)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="a page with the charts")
    parser.add_argument("--record", type=Path, metavar="FILE.jsonl", help="for `edgerund replay`")
    parser.add_argument("--compare", action="store_true", help="all controllers against the bound")
    parser.add_argument("--only", action="append", metavar="CONTROLLER", help="with --compare")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="with --compare: processes")
    parser.add_argument("--list", action="store_true", help="the scenarios that come with edgerund")
    return parser


def run(args: argparse.Namespace) -> int:
    """Simulate."""
    from edgerund.config.policy import load_policy
    from edgerund.sim import bundled
    from edgerund.sim.cards import load_cards

    if args.list:
        return _list()
    if args.policy is None:
        raise UsageError("cannot simulate without a policy: name its file, or see --list")
    plan = load_policy(args.policy)
    names = args.ladder or [bundled.DEFAULT_LADDER]
    ladders = tuple(load_cards(bundled.cards_path(name)) for name in names)
    if args.compare:
        return _compare(args, plan, ladders)
    scenarios = args.scenario or ["calm"]
    if args.report and len(scenarios) > 1:
        raise UsageError("cannot write one report of several scenarios: give one --scenario")
    for name in scenarios:
        _one(args, plan, ladders, name)
    return 0


def _list() -> int:
    from edgerund.sim import bundled
    from edgerund.sim.scenario import load_scenario

    for name in bundled.scenario_names():
        print(f"{name:18s} {load_scenario(bundled.scenario_path(name)).about}")
    return 0


def _one(
    args: argparse.Namespace, plan: PolicyPlan, ladders: Sequence[LadderPlan], name: str
) -> None:
    from edgerund.registry import resolve
    from edgerund.sim import bundled, report
    from edgerund.sim.bound import upper_bound
    from edgerund.sim.controllers import Decider
    from edgerund.sim.runner import run as play
    from edgerund.sim.scenario import load_scenario
    from edgerund.sim.terms import terms_of

    scenario = load_scenario(bundled.scenario_path(name))
    plant = resolve("plants", args.plant)(scenario, ladders, args.seed)
    terms = terms_of(plan, plant.world, ladders)
    decider = Decider(plan)
    tape = report.Tape(decider, plan.temp.horizon_s if plan.temp else None)
    recording = _recording(args.record, plan)
    watches = [tape.watch] if args.report else []
    if recording is not None:
        watches.append(recording.watch)
    began_s = time.perf_counter()
    score = play(plant, decider, terms, _all(watches) if watches else None)
    speed = score.duration_s / (time.perf_counter() - began_s)
    if recording is not None:
        recording.close()
    bound = upper_bound(plant, terms).effective_accuracy
    if args.report:
        about = report.About(plan.name, Path(name).stem, scenario.about, args.seed, bound)
        variants = {ladder.name: [v.name for v in ladder.variants] for ladder in ladders}
        args.report.write_text(
            report.page(about, score, tape, terms, variants), encoding="utf-8"
        )
    _print_one(args, name, score, bound, speed)


def _recording(path: Path | None, plan: PolicyPlan) -> Any:
    if path is None:
        return None
    from edgerund.sim.recording import Recording

    return Recording(path, plan)


def _all(watches: Sequence[Callable[..., None]]) -> Callable[..., None]:
    def watch(*seen: Any) -> None:
        for each in watches:
            each(*seen)

    return watch


def _print_one(
    args: argparse.Namespace, name: str, score: Score, bound: float, speed: float
) -> None:
    gap = 100 * (1 - score.effective_accuracy / bound)
    if args.json:
        data = {"scenario": name, "seed": args.seed, **score.plain(), "bound": bound}
        print(json.dumps({**data, "gap_percent": gap, "times_real_time": round(speed)}))
        return
    print(f"{name}, seed {args.seed}: {score.duration_s / 60:.0f} min at {speed:.0f} x real time")
    print(f"  effective accuracy   {score.effective_accuracy:.4f}  ({gap:.2f} % below the bound)")
    print(f"  over the limit       {score.over_limit_s:.0f} s (peak {score.peak_c:.1f} C)")
    print(f"  late or lost         {100 * score.late_share:.2f} % of the frames")
    print(f"  swaps                {score.swaps} ({score.swaps_per_hour:.0f} per calm hour)")
    print(f"  energy               {score.energy_wh:.2f} Wh")
    if score.left_percent is not None:
        done = "completed" if score.mission_completed else "NOT completed"
        print(f"  mission              {done}, {score.left_percent:.1f} % left")


def _compare(args: argparse.Namespace, plan: PolicyPlan, ladders: tuple[LadderPlan, ...]) -> int:
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
    print(f"\n{len(outcomes) - left_out} cases with a bound, {left_out} where no variant keeps the limits")
    print(f"{'controller':14s} {'gap mean':>8s} {'worst':>7s}  {'at':22s} {'s over':>7s} {'worst':>6s} "
          f"{'by C':>5s} {'missions':>9s} {'reserve off by':>15s} {'swaps/h':>8s}")
    for x in lines:
        off = "" if x.reserve_error_min_percent is None else (
            f"{x.reserve_error_min_percent:+.1f}..{x.reserve_error_max_percent:+.1f} %"
        )
        print(
            f"{x.controller:14s} {x.gap_mean_percent:7.2f}% {x.gap_worst_percent:6.2f}%  "
            f"{x.gap_worst_at:22s} {x.over_limit_s:7.0f} {x.over_limit_worst_s:6.0f} "
            f"{x.over_limit_max_c:5.1f} {x.missions_completed:4d}/{x.missions:<4d} {off:>15s} "
            f"{x.swaps_per_hour_worst:8.0f}"
        )

