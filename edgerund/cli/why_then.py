"""``edgerund why --at``: what was decided then, from the daemon, from what it left behind, or from a recording."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from edgerund.cli.daemon_args import connect
from edgerund.cli.when import parse_when_s
from edgerund.client.endpoint import runtime_dirs
from edgerund.errors import ControlError, UsageError
from edgerund.observe.decision_log import FILE, Entry, decision_of, entries, moment, moment_item
from edgerund.observe.record_reader import RecordReader
from edgerund.observe.recorder import parts_of


def ask_then(args: argparse.Namespace) -> dict[str, Any]:
    """What held at ``args.at``, from the daemon; where none answers, from what it left in its folder."""
    wall_s = parse_when_s(args.at, datetime.now().astimezone())
    told = {"ladder": args.ladder} if args.ladder else {}
    with connect(args) as control:
        try:
            control.call("ping")
        except ControlError:
            folder = _left_behind(args)
            if folder is None:
                raise
            return _only(moment_item(moment(entries(folder), wall_s), wall_s), args.ladder)
        return control.call("why", at_wall_s=wall_s, **told)


def read_then(args: argparse.Namespace) -> dict[str, Any]:
    """The same from a recording. Raises UsageError for a time that it does not hold."""
    wall_s = parse_when_s(args.at, datetime.now().astimezone())
    found = list(_recorded(args.recording))
    if not found or not found[0].wall_s <= wall_s <= found[-1].wall_s + 60.0:
        held = f"{clock(found[0].wall_s)} to {clock(found[-1].wall_s)}" if found else "nothing"
        raise UsageError(f"cannot say why at {clock(wall_s)}: {args.recording} holds {held}")
    return _only(moment_item(moment(iter(found), wall_s), wall_s), args.ladder)


def render_then(reply: Mapping[str, Any]) -> str:
    """For people: the time, one paragraph per ladder, and how long it stayed so."""
    from edgerund.policy.explain import explain

    paragraphs = [f"at {clock(reply['at_wall_s'])}"]
    for item in reply["decisions"]:
        decision = decision_of(item)
        after = reply["changes"].get(decision.ladder)
        then = f"  then: {_change(after)}" if after is not None else "  it has stayed so"
        paragraphs.append(f"{explain(decision)}\n{then}")
    if not reply["decisions"]:
        event = reply["event"]
        paragraphs.append(
            "nothing was decided yet, as far as it is known"
            if event is None
            else f"the daemon {event['event']} at {clock(event['wall_s'])}; nothing was decided since"
        )
    return "\n\n".join(paragraphs)


def clock(wall_s: float) -> str:
    """Local time to the second."""
    return datetime.fromtimestamp(wall_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _change(entry: Mapping[str, Any]) -> str:
    when = clock(entry["wall_s"])
    if entry["decision"] is None:
        return f"the daemon {entry['event']} at {when}"
    return (
        f"{entry['decision']['variant']} from {when}, because {entry['decision']['reason']['text']}"
    )


def _left_behind(args: argparse.Namespace) -> Path | None:
    folders = runtime_dirs() if args.runtime_dir is None else [args.runtime_dir]
    return next((f for f in folders if (f / FILE).exists()), None)


def _only(reply: dict[str, Any], ladder: str | None) -> dict[str, Any]:
    if ladder is not None:
        reply["decisions"] = [d for d in reply["decisions"] if d["ladder"] == ladder]
    return reply


def _recorded(path: Path) -> Iterator[Entry]:
    parts = [part for part in reversed(parts_of(path)) if part.exists()]
    if not parts:
        raise UsageError(f"cannot read {path}: there is no such file")
    for part in parts:
        try:
            reader = RecordReader(part)
        except (OSError, ValueError) as e:
            raise UsageError(str(e)) from e
        for record in reader:
            for decision in record.decisions.values():
                yield Entry(record.snapshot.wall_s, decision)
