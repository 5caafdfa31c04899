"""``edgerund profile``: measure every variant of a ladder on this board, and write its cards."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgerund.config.ladder import LadderReading, read_ladder
from edgerund.errors import ConfigError, LadderError, UsageError
from edgerund.profile.settings import Settings

_USUAL = Settings()


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "profile",
        help="measure a ladder on this board",
        description="Measures every variant on this board: latency in interleaved rounds, load time, memory, energy "
        "from the power rail, and with --data accuracy, agreement and accuracy under corruptions. Each variant runs "
        "in a process of its own. Exit code 11: no variant could be measured.",
    )
    parser.add_argument("path", type=Path, metavar="LADDER", help="its folder, or its file")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="labelled images: a folder with a subfolder per label, or an .npz with images and labels",
    )
    parser.add_argument("--images", type=_count, metavar="N", help="use at most so many images")
    parser.add_argument("--device", metavar="NAME", help="default: what this machine says it is")
    _add_effort(parser)
    parser.add_argument("--only", metavar="NAMES", help="only these variants, such as fp16,int8")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    parser.add_argument(
        "--write", action="store_true", help="write the cards; what was not measured stays in them"
    )
    parser.add_argument(
        "--drop-dominated",
        action="store_true",
        help="with --write: take variants that another one beats in everything out of ladder.yaml",
    )
    return parser


def _add_effort(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threads",
        default="1",
        metavar="N,...",
        help="threads of one inference; cards carry the first (1)",
    )
    parser.add_argument(
        "--backends", default="", metavar="NAMES", help="tried beside each variant's own backend"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=_USUAL.seconds,
        metavar="S",
        help=f"longest time for the rounds of one number of threads ({_USUAL.seconds:g}); they end sooner when every "
        "ratio is known to 1 %%",
    )
    parser.add_argument("--rounds", type=_count, metavar="N", help="exactly so many rounds")
    parser.add_argument(
        "--energy-seconds",
        type=float,
        default=_USUAL.energy_seconds,
        metavar="S",
        help=f"idle and busy windows of one variant ({_USUAL.energy_seconds:g}); 0: no energy",
    )
    parser.add_argument(
        "--rails", default="", metavar="NAMES", help="rails whose sum is the board's power"
    )
    parser.add_argument(
        "--watts-per-core",
        type=float,
        default=_USUAL.watts_per_core,
        metavar="W",
        help=f"assumed for the estimate of energy ({_USUAL.watts_per_core:g})",
    )
    parser.add_argument("--no-robust", action="store_true", help="no accuracy under corruptions")
    parser.add_argument(
        "--severities", default="1,3,5", metavar="N,...", help="of the corruptions (1,3,5)"
    )
    parser.add_argument(
        "--jobs",
        type=_count,
        default=_USUAL.jobs,
        metavar="N",
        help="variants that answer at a time where accuracy is counted (1)",
    )
    parser.add_argument(
        "--pin", default="", metavar="CPUS", help="run on these processors: 2 or 2,3"
    )
    parser.add_argument(
        "--timeout", type=float, default=_USUAL.timeout_s, metavar="S", help="until a variant hangs"
    )
    parser.add_argument(
        "--sysroot", type=Path, metavar="DIR", help="read power from a simulated board"
    )


def run(args: argparse.Namespace) -> int:
    """Measure, print, write. Raises ConfigError, UsageError, LadderError."""
    from edgerund.cli.profile_table import as_json, table
    from edgerund.profile.measure import measure
    from edgerund.profile.samples_file import read_samples
    from edgerund.sensors.sysroot import FileRoot

    if args.drop_dominated and not args.write:
        raise UsageError("cannot drop variants without --write")
    settings = _settings(args)
    settings.check()
    reading = read_ladder(args.path, hashes=True)
    if reading.plan is None:
        raise ConfigError(reading.problems)
    plan = _chosen(reading, args.only)
    samples = read_samples(args.data, plan.labels, args.images) if args.data else None
    measured = measure(
        plan,
        settings,
        samples=samples,
        device=args.device or "",
        root=FileRoot(args.sysroot or Path("/")),
        progress=_shown(sys.stderr.isatty() and not args.json),
    )
    print(as_json(measured) if args.json else table(measured))
    if all(figures.failed for figures in measured.figures):
        raise LadderError("cannot measure any variant: the reasons are above")
    if args.write:
        _write(reading, measured, drop=args.drop_dominated, quiet=args.json)
    return 0


def _write(reading: LadderReading, measured: Any, *, drop: bool, quiet: bool) -> None:
    from edgerund.profile.ladder_file import drop_variants, write_cards

    told = write_cards(reading, measured)
    beaten = [f.name for f in measured.figures if f.dominated_by is not None]
    if drop and beaten:
        drop_variants(reading.file, beaten)
        told.append(f"left out of {reading.file}: {', '.join(beaten)}")
    if not quiet:
        print("\n".join(told))


def _settings(args: argparse.Namespace) -> Settings:
    return Settings(
        threads=_numbers("--threads", args.threads),
        backends=_names(args.backends),
        seconds=args.seconds,
        rounds=args.rounds,
        energy_seconds=args.energy_seconds,
        watts_per_core=args.watts_per_core,
        total_rails=_names(args.rails),
        robust=not args.no_robust,
        severities=_numbers("--severities", args.severities),
        timeout_s=args.timeout,
        jobs=args.jobs,
        cpus=_numbers("--pin", args.pin) if args.pin else (),
    )


def _chosen(reading: LadderReading, only: str | None) -> Any:
    from dataclasses import replace

    plan = reading.plan
    assert plan is not None
    if not only:
        return plan
    names = _names(only)
    unknown = [name for name in names if name not in {v.name for v in plan.variants}]
    if unknown:
        known = ", ".join(v.name for v in plan.variants)
        raise UsageError(f"cannot find the variant {unknown[0]!r}: the ladder has {known}")
    return replace(plan, variants=tuple(v for v in plan.variants if v.name in names))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(part) for part in _names(text)))
    except ValueError as e:
        raise UsageError(f"cannot read {option} {text!r}: numbers, separated by commas") from e


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is below 1")
    return value


def _shown(wanted: bool) -> Callable[[float, str], None]:
    """One line that is written over and over, on a terminal."""
    if not wanted:
        return lambda _share, _text: None
    said_s = [0.0]

    def show(share: float, text: str) -> None:
        if time.monotonic() - said_s[0] > 0.1:
            said_s[0] = time.monotonic()
            print(f"\r\033[K{share:4.0%}  {text}", end="\r", file=sys.stderr, flush=True)

    return show
