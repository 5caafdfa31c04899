"""``edgerund sensors``: everything that is read from this machine, and what is absent and why."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from edgerund.cli.daemon_args import add_daemon_arguments, reach
from edgerund.clock import SystemClock
from edgerund.daemon.status import sense_item
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot

Table = dict[str, Any]
_SECOND_SAMPLE_S = 1.2
_LONGEST_START_S = 5.0


class Source(Protocol):
    """Where the senses come from: the running daemon, or readers of our own."""

    title: str

    def take(self) -> Table:
        """``senses`` and ``readers``, as the daemon's control socket gives them."""
        ...


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "sensors",
        help="what is read from this machine, and what is absent and why",
        description="Asks the running daemon; without one, or with --here or --sysroot, reads itself.",
    )
    add_daemon_arguments(parser)
    parser.add_argument("--watch", action="store_true", help="again every second, until Ctrl-C")
    parser.add_argument("--here", action="store_true", help="read here, even if a daemon runs")
    parser.add_argument(
        "--sysroot", type=Path, metavar="DIR", help="read a captured or simulated board"
    )
    parser.add_argument("--brief", action="store_true", help="without the raw readings")
    return parser


def run(args: argparse.Namespace) -> int:
    """Ask and print."""
    with open_source(args) as source:
        while True:
            table = source.take()
            if args.json:
                print(json.dumps(table), flush=True)
            else:
                clear = "\033[H\033[2J" if args.watch and sys.stdout.isatty() else ""
                print(clear + render(table, source.title, everything=not args.brief), flush=True)
            if not args.watch:
                return 0
            time.sleep(1.0)


@contextmanager
def open_source(args: argparse.Namespace) -> Iterator[Source]:
    """The daemon if it answers, else a hub of our own."""
    if args.sysroot is None and not args.here:
        client = reach(args)
        if client is not None:
            with client:
                yield _Daemon(client)
            return
    # what breaks is in the table: no log lines between its rows
    logging.getLogger("edgerund.sensors").addHandler(logging.NullHandler())
    hub = SensorHub(FileRoot(args.sysroot or Path("/")), SystemClock())
    hub.start()
    try:
        settle(hub)
        yield _Here(hub, args.sysroot)
    finally:
        hub.stop()


def settle(hub: SensorHub) -> None:
    """Wait for the first values, and for the second sample that shares and powers need."""
    clock = SystemClock()
    end_s = clock.monotonic_s() + _LONGEST_START_S
    while not hub.settled() and clock.monotonic_s() < end_s:
        time.sleep(0.02)
    time.sleep(_SECOND_SAMPLE_S)


class _Daemon:
    title = "as the running daemon sees them"

    def __init__(self, client: Any) -> None:
        self._client = client

    def take(self) -> Table:
        table: Table = self._client.call("sensors")
        return table


class _Here:
    def __init__(self, hub: SensorHub, sysroot: Path | None) -> None:
        self._hub = hub
        self.title = f"read from {sysroot or 'this machine'}"

    def take(self) -> Table:
        senses = self._hub.senses()
        return {
            "senses": [sense_item(senses[name]) for name in sorted(senses)],
            "readers": [asdict(r) for r in self._hub.status()],
        }


def render(table: Table, title: str, *, everything: bool) -> str:
    """For people: what policies speak of, then the raw readings, then the readers."""
    senses = table["senses"]
    derived = [s for s in senses if "." not in s["name"]]
    raw = [s for s in senses if "." in s["name"]]
    lines = [f"Sensors {title}", "", "what policies speak of", *map(_line, derived)]
    found = [s for s in raw if "value" in s]
    lost = [s for s in raw if "value" not in s]
    if everything:
        lines += ["", "raw readings", *map(_line, found)]
    else:
        lines += ["", f"raw readings: {len(found)} (left out)"]
    if lost:
        lines += ["", "absent", *map(_line, lost)]
    return "\n".join([*lines, "", *_readers(table["readers"])])


def _line(sense: Table) -> str:
    name = sense["name"]
    if "value" not in sense:
        where = f"  [{sense['source']}]" if sense.get("source") else ""
        return f"  {name:<38} {'-':>14} {sense['absent']}: {sense['detail']}{where}"
    value, unit, age_s = sense["value"], sense["unit"], sense["age_s"]
    shown = "" if unit in ("1", "bool", "sign", "id", "code") else unit
    note = "" if sense["quality"] == "measured" else f" ({sense['quality']})"
    return f"  {name:<38} {_number(value):>14} {shown:<4} {age_s:5.1f} s  {sense['source']}{note}"


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value)}"
    return f"{value:.3f}" if abs(value) < 1e6 else f"{value:.0f}"


def _readers(readers: list[Table]) -> list[str]:
    lines = ["readers                period     wall      cpu  state"]
    for r in readers:
        why = f": {r['detail']}" if r["detail"] else ""
        lines.append(
            f"  {r['name']:<18} {r['period_s']:7.2f} s {r['wall_ms']:6.2f} ms {r['cpu_ms']:5.2f} ms"
            f"  {r['state']}{why}"
        )
    share = sum(r["cpu_ms"] / 1000 / r["period_s"] for r in readers if r["state"] != "absent")
    return [*lines, f"  together {100 * share:.2f} % of one core"]
