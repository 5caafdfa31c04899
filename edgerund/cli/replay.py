"""``edgerund replay``: decide again what a device recorded, under its policy or another one."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgerund.errors import UsageError

if TYPE_CHECKING:
    from edgerund.sim.replay import Replay, Tally


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "replay",
        help="decide again what a device recorded",
        description="Without --policy: check that every decision comes out as recorded, byte for byte (exit code 1 "
        "if not). With --policy: estimate what another policy would have done, and compare.",
    )
    parser.add_argument(
        "recording", type=Path, help="a flight recording; older parts beside it are read too"
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="another policy")
    parser.add_argument(
        "--exact",
        action="store_true",
        help="with --policy: it is the recorded one; check byte for byte",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    return parser


def run(args: argparse.Namespace) -> int:
    """Replay."""
    from edgerund.config.policy import load_policy
    from edgerund.sim.recording import Tape
    from edgerund.sim.replay import replay, replay_otherwise

    tape = Tape(args.recording)
    plan = load_policy(args.policy) if args.policy is not None else tape.plan
    if plan is None:
        raise UsageError(
            f"cannot replay {args.recording}: it does not tell its policy; give it with --policy FILE --exact"
        )
    exact = args.policy is None or args.exact
    recorded = args.policy is None
    result = replay(tape, plan, as_recorded=recorded) if exact else replay_otherwise(tape, plan)
    if result.ticks == 0:
        raise UsageError(f"cannot replay {args.recording}: it has a head and no tick")
    if args.json:
        print(json.dumps(_plain(result, tape.skipped)))
    elif exact:
        _print_exact(result, tape.skipped)
    else:
        _print_other(result, tape.skipped, args.policy)
    return 1 if exact and result.identical != result.ticks else 0


def _plain(result: Replay, skipped: int) -> dict[str, Any]:
    return {
        "ticks": result.ticks,
        "identical": result.identical,
        "skipped_lines": skipped,
        "restarts": result.restarts,
        "first_mismatch_s": result.first_mismatch_s,
        "recorded": result.recorded.plain(),
        "now": result.now.plain(),
        "different": result.different,
        "differences": [asdict(d) for d in result.differences],
        "networks": result.networks.plain(),
    }


def _head(result: Replay, skipped: int) -> None:
    lost = f", {skipped} lines could not be read" if skipped else ""
    print(f"{result.ticks} ticks, {result.restarts} restarts{lost}")


def _print_networks(result: Replay) -> None:
    networks = result.networks
    for why in networks.missing:
        print(f"the learned policy was not asked again, its recorded proposals count: {why}")
    if networks.asked:
        print(
            f"the learned policy proposes as recorded in {networks.same} of {networks.asked} cases"
        )


def _print_exact(result: Replay, skipped: int) -> None:
    _head(result, skipped)
    _print_networks(result)
    if result.identical == result.ticks:
        print("every decision comes out as recorded, byte for byte")
        return
    print(
        f"{result.ticks - result.identical} ticks differ, the first at {result.first_mismatch_s:.0f} s: another "
        "policy was in force, another version decided, or the recording begins in the midst of a run"
    )
    _print_differences(result)


def _print_other(result: Replay, skipped: int, policy: Path) -> None:
    _head(result, skipped)
    print(f"{'':22s}{'recorded':>12s}{'with ' + policy.stem:>24s}  (estimated)")
    for label, left, right in zip(
        ("mean accuracy", "model energy", "swaps", "over the limit"),
        _cells(result.recorded),
        _cells(result.now),
        strict=True,
    ):
        print(f"{label:22s}{left:>12s}{right:>24s}")
    print(f"{result.different} of {result.ticks} ticks have another variant")
    _print_differences(result)


def _cells(tally: Tally) -> tuple[str, str, str, str]:
    accuracy = "-" if tally.accuracy is None else f"{tally.accuracy:.4f}"
    return accuracy, f"{tally.energy_wh:.3f} Wh", str(tally.swaps), f"{tally.over_limit_s:.0f} s"


def _print_differences(result: Replay) -> None:
    for d in result.differences:
        print(f"  {d.at_s:8.0f} s  {d.ladder}: {d.recorded} -> {d.now}  {d.why}")
