"""``edgerund record FILE``: snapshots and decisions of the running daemon, or this board's senses alone."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import edgerund
from edgerund.cli.daemon_args import add_daemon_arguments, reach
from edgerund.cli.sensors import settle
from edgerund.clock import Clock, SystemClock
from edgerund.errors import StartError, UsageError
from edgerund.observe.codec import load_decisions, load_snapshot
from edgerund.observe.recorder import Recorder
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import Decisions, Snapshot

if TYPE_CHECKING:
    from edgerund.client.control import ControlClient

Take = Callable[[], "tuple[Snapshot, Decisions]"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "record",
        help="record snapshots and decisions",
        description="Records the running daemon; without one, or with --here or --sysroot, the senses alone.",
    )
    parser.add_argument("file", type=Path, help="what `edgerund replay` reads")
    add_daemon_arguments(parser, json=False)
    parser.add_argument("--here", action="store_true", help="read here, even if a daemon runs")
    parser.add_argument("--sysroot", type=Path, metavar="DIR", help="a captured or simulated board")
    parser.add_argument("--for", dest="for_s", type=float, metavar="S", help="end after S seconds")
    parser.add_argument(
        "--every",
        dest="every_s",
        type=float,
        default=1.0,
        metavar="S",
        help="seconds between two snapshots",
    )
    parser.add_argument("--max-mb", type=int, default=64, help="bound on all parts together (64)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Record until told to stop."""
    if not args.every_s >= 0.05 or (args.for_s is not None and not args.for_s > 0):
        raise UsageError("cannot record like this: --every must be at least 0.05 s, --for above 0")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    clock = SystemClock()
    client = None if args.here or args.sysroot else reach(args)
    if client is not None:
        with client:
            return _record(args, clock, lambda: _ask(client), stop)
    logging.getLogger("edgerund.sensors").addHandler(logging.NullHandler())
    hub = SensorHub(FileRoot(args.sysroot or Path("/")), clock)
    hub.start()
    try:
        settle(hub)
        return _record(args, clock, lambda: _sense(hub, clock), stop)
    finally:
        hub.stop()


def _ask(client: ControlClient) -> tuple[Snapshot, Decisions]:
    reply = client.call("tick")
    return load_snapshot(reply["snapshot"]), load_decisions(reply["decisions"])


def _sense(hub: SensorHub, clock: Clock) -> tuple[Snapshot, Decisions]:
    return Snapshot(clock.monotonic_s(), clock.wall_s(), hub.senses()), {}


def _record(args: argparse.Namespace, clock: Clock, take: Take, stop: threading.Event) -> int:
    context = {"version": edgerund.__version__, "by": "edgerund record"}
    recorder = Recorder(args.file, clock, max_bytes=args.max_mb * 1024 * 1024, context=context)
    began_s = clock.monotonic_s()
    last_s: float | None = None
    ticks = 0
    try:
        while not stop.is_set() and recorder.failed is None:
            snapshot, decisions = take()
            if snapshot.now_s != last_s:  # asked again before the daemon's next tick
                recorder.record(snapshot, decisions)
                last_s, ticks = snapshot.now_s, ticks + 1
            left_s = (args.for_s or float("inf")) - (clock.monotonic_s() - began_s)
            if left_s <= 0:
                break
            stop.wait(min(args.every_s, left_s))
    finally:
        recorder.close()
    if recorder.failed is not None:
        raise StartError(f"cannot go on recording into {args.file}: {recorder.failed}")
    print(f"{ticks} ticks in {args.file}")
    return 0
