"""``edgerund simulate``: a policy on an imagined board, against the bound and the baselines if asked."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgerund.errors import UsageError

if TYPE_CHECKING:
    from edgerund.sim.controllers import Decider
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
    parser.add_argument(
        "--plant", default="default", metavar="NAME|module:Class", help="what plays the board"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the noise; the same seed gives the same run"
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="with --compare: seeds 0 to N-1 (5)")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="a page with the charts")
    parser.add_argument("--record", type=Path, metavar="FILE.jsonl", help="for `edgerund replay`")
    parser.add_argument(
        "--learned",
        type=Path,
        metavar="FILE.onnx",
        help="a network inside the constraints, as `learned` in a policy",
    )
    parser.add_argument("--compare", action="store_true", help="all controllers against the bound")
    parser.add_argument("--only", action="append", metavar="CONTROLLER", help="with --compare")
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="with --compare: processes"
    )
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
    if args.learned is not None:
        plan = _with_network(plan, args.learned)
    names = args.ladder or [bundled.DEFAULT_LADDER]
    ladders = tuple(load_cards(bundled.cards_path(name)) for name in names)
    if args.compare:
        from edgerund.cli.simulate_compare import compare

        return compare(args, plan, ladders)
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
    recording = _recording(args.record, decider)
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
        args.report.write_text(report.page(about, score, tape, terms, variants), encoding="utf-8")
    _print_one(args, name, score, bound, speed)


def _with_network(plan: PolicyPlan, file: Path) -> PolicyPlan:
    from edgerund.config.policy_learned import LearnedModel

    try:
        return replace(plan, learned=LearnedModel(file=str(file)).plan(Path()))
    except ValueError as e:
        raise UsageError(str(e)) from e


def _recording(path: Path | None, decider: Decider) -> Any:
    if path is None:
        return None
    from edgerund.sim.recording import Recording

    return Recording(path, decider)


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
