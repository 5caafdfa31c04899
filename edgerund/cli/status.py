"""``edgerund status``: ladders, variants, readings at a glance."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from dataclasses import asdict
from typing import Any

from edgerund.cli.daemon_args import add_daemon_arguments, connect, folder_of
from edgerund.client.watching import Change, runtime_watch_address, watch


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "status", help="what the daemon is doing"
    )
    add_daemon_arguments(parser)
    parser.add_argument(
        "--follow", action="store_true", help="go on: one line whenever something changes"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Ask and print."""
    if args.follow:
        return _follow(args)
    with connect(args) as control:
        status = control.call("status")
    print(json.dumps(status) if args.json else render(status))
    return 0


def _follow(args: argparse.Namespace) -> int:
    with connect(args) as control:
        control.call("ping")  # a daemon that is not there is told at once
    changes = watch(address=runtime_watch_address(folder_of(args)))
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(changes):
        for change in changes:
            print(json.dumps(asdict(change)) if args.json else render_change(change), flush=True)
    return 0


def render_change(change: Change) -> str:
    """One line for people."""
    at = time.strftime("%H:%M:%S", time.localtime(change.wall_s))
    line = f"{at} {change.ladder}: {change.variant or 'nothing'} answers"
    if change.reason is not None:
        line += f", because {change.reason.text}"
    if change.headroom:
        left = ", ".join(f"{name} {100 * share:.0f} %" for name, share in change.headroom.items())
        line += f"; headroom: {left}"
    return line


def render(status: dict[str, Any]) -> str:
    """For people."""
    state = "ready" if status["ready"] else "starting"
    lines = [
        f"edgerund {status['version']}, {state}, up {_duration(status['up_s'])}, policy {status['policy']}, "
        f"pid {status['pid']}"
    ]
    lines += [f"  waits for {text}" for text in status["waits_for"]]
    learned = status.get("learned")
    if learned is not None:
        state = f"has no say: {learned['trouble']}" if learned["trouble"] else "proposes"
        lines.append(f"  learned policy {learned['file']} {state}")
    for ladder in status["ladders"]:
        lines += ["", *_ladder(ladder)]
    lines += ["", "board"]
    for sense in status["senses"]:
        if "." in sense["name"]:
            continue  # raw readings: edgerund sensors
        if "value" in sense:
            lines.append(f"  {sense['name']:<24} {sense['value']:>12.6g} {sense['unit']}")
        else:
            lines.append(f"  {sense['name']:<24} {'-':>12}   {sense['absent']}: {sense['detail']}")
    return "\n".join(lines)


def _ladder(ladder: dict[str, Any]) -> list[str]:
    serving = ladder["serving"]
    head = f"{ladder['name']} ({ladder['task']}): {ladder['live'] or 'nothing'} answers"
    if ladder["live"]:
        head += f" for {_duration(ladder['live_for_s'])}"
    if serving.get("latency_ms_p50") is not None:
        head += (
            f", {serving['rate_hz']:.1f}/s, latency p50 {serving['latency_ms_p50']:.2f} ms, "
            f"p99 {serving['latency_ms_p99']:.2f} ms"
        )
    lines = [head]
    if ladder["reason"]:
        lines.append(f"  because {ladder['reason']['text']}")
    if ladder["hold"]:
        left_s = ladder["hold"]["left_s"]
        until = "until unpin" if left_s is None else f"for {_duration(left_s)} more"
        lines.append(f"  held on {ladder['hold']['variant']} {until}: {ladder['hold']['reason']}")
    if ladder["restarts"]:
        times = "once" if ladder["restarts"] == 1 else f"{ladder['restarts']} times"
        lines.append(f"  worker restarted {times}")
    lines += [_agreement(a) for a in ladder.get("agreements", ())]  # none from an older daemon
    for v in ladder["variants"]:
        mark = "*" if v["name"] == ladder["live"] else "+" if v["resident"] else " "
        accuracy = "-" if v["accuracy"] is None else f"{100 * v['accuracy']:.2f} %"
        latency = "-" if v["latency_ms"] is None else f"{v['latency_ms']:.3f} ms"
        note = f"  QUARANTINED: {v['quarantined']}" if v["quarantined"] else _escalated(v)
        lines.append(
            f"  {mark} {v['name']:<16} {accuracy:>9} {latency:>12} {v['answered']:>9} answered{note}"
        )
    return lines


def _agreement(seen: dict[str, Any]) -> str:
    """What the shadow saw of one variant."""
    share, frames = 100 * seen["share"], seen["frames"]
    line = f"  {seen['variant']} answers like the best one in {share:.1f} % of {frames:.0f} frames"
    return line + (
        f": DRIFTED, counts as {100 * seen['accuracy']:.2f} %" if seen["drifted"] else ""
    )


def _escalated(variant: dict[str, Any]) -> str:
    """A cascade: how often its cheap member was not sure."""
    frames, handed_on = (variant["counters"].get(name, 0) for name in ("frames", "escalated_1"))
    return f"  {100 * handed_on / frames:.0f} % escalated" if frames and handed_on else ""


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, s = divmod(int(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours} h {m:02d} min" if hours else f"{m} min {s:02d} s"
