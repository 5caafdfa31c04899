"""``python -m tools.heat_run``: does the daemon keep a real run below the limit where the best variant does not?

Two real daemons, one with limits and one that holds the best variant, each with a camera of its own and a board of
its own, at the same time. A board reads how much CPU time its worker really took, turns it into watts, the watts into
heat, and writes the files that a real board would have.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from edgerund.config.share import shared_file
from edgerund.errors import EdgerundError, UsageError
from tools.heat_run.board import FAULTS, Fault
from tools.heat_run.figures import table
from tools.heat_run.picture import draw
from tools.heat_run.run import Options, Run, carry_out


def main(argv: list[str] | None = None) -> int:
    """Run, print the table, write what was asked for."""
    args = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # daemons and boards end with us
    try:
        if args.redraw is not None:
            kept: dict[str, Any] = json.loads(args.redraw.read_text(encoding="utf-8"))
            _draw(kept, args.picture)
            return 0
        with ExitStack() as stack:
            folder = args.keep
            if folder is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="heat-run-")))
            folder.mkdir(parents=True, exist_ok=True)
            run = carry_out(_options(args), folder, say=lambda text: print(text, flush=True))
        _tell(run, args)
    except EdgerundError as e:
        print(e, file=sys.stderr)
        return e.exit_code
    return 0


def _tell(run: Run, args: argparse.Namespace) -> None:
    print(f"\n{table(run.figures, run.options.limit_c)}")
    kept = run.to_json()
    if args.json is not None:
        args.json.write_text(json.dumps(kept), encoding="utf-8")
    _draw(kept, args.picture)


def _draw(kept: dict[str, Any], picture: Path | None) -> None:
    if picture is not None:
        picture.write_text(draw(kept), encoding="utf-8")


def _options(args: argparse.Namespace) -> Options:
    return Options(
        ladder=args.ladder,
        seconds=args.seconds,
        speed=args.speed,
        fps=args.fps,
        busy=args.busy,
        limit_c=args.limit,
        sun=args.sun,
        faults=tuple(args.lose),
        battery=args.battery,
        policy=args.policy,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.heat_run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=600.0, help="length, in the board's time")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help="the board's seconds in each real one: thermal mass, horizon and dwell shrink alike",
    )
    parser.add_argument("--ladder", type=Path, default=shared_file("variants/cifar10"))
    parser.add_argument("--policy", type=Path, help="for the daemon with limits, instead of ours")
    parser.add_argument("--limit", type=float, default=70.0, help="C")
    parser.add_argument(
        "--busy",
        type=float,
        default=0.3,
        help="frames are sent so fast that the best variant takes this share of a core",
    )
    parser.add_argument("--fps", type=float, help="frames a second, instead of --busy")
    parser.add_argument(
        "--sun", type=_sun, metavar="FROM-TO:WATTS", help="the sun on the case, such as 200-400:2.7"
    )
    parser.add_argument(
        "--lose",
        type=_fault,
        action="append",
        default=[],
        metavar="KIND@AT+FOR",
        help=f"break the thermal zone, such as gone@120+60; kinds: {', '.join(FAULTS)}",
    )
    parser.add_argument(
        "--battery",
        action="store_true",
        help="a mission on a battery too small for the best variant",
    )
    parser.add_argument("--keep", type=Path, help="folder for logs, policies and flight recordings")
    parser.add_argument("--json", type=Path, help="where the figures and the whole trace go")
    parser.add_argument("--picture", type=Path, help="where an SVG of the run goes")
    parser.add_argument("--redraw", type=Path, help="only draw what --json kept")
    return parser


def _fault(text: str) -> Fault:
    kind, _, times = text.partition("@")
    at_s, _, for_s = times.partition("+")
    if kind not in FAULTS:
        raise argparse.ArgumentTypeError(f"cannot break it like {kind!r}: {', '.join(FAULTS)}")
    return Fault(kind, float(at_s), float(for_s))


def _sun(text: str) -> tuple[float, float, float]:
    span, _, watts = text.partition(":")
    from_s, _, to_s = span.partition("-")
    if float(to_s) <= float(from_s):
        raise UsageError(f"cannot let the sun shine {span!r}: give FROM-TO")
    return float(from_s), float(to_s), float(watts)


if __name__ == "__main__":
    sys.exit(main())
