"""What was decided when: one line per change of mind, in two bounded files in the runtime folder.

That folder is in memory on most machines (/run), so nothing wears out, and it outlives the daemon: who looks
after a crash finds what was decided before it. A line is written when a ladder's variant changes, or the reason
for it or against another one; reasons alone at most every five seconds.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from edgerund.clock import Clock
from edgerund.types import (
    Agreement,
    Decision,
    Decisions,
    Floor,
    Proposal,
    Reason,
    Rejection,
    Shadow,
)

_log = logging.getLogger("edgerund.observe")
FILE = "decisions.jsonl"
PART_BYTES = 256 * 1024
REASONS_EVERY_S = 5.0
_Mind: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision and when it was taken; or, without one, what happened to the daemon (``started``, ``stopped``)."""

    wall_s: float
    decision: Decision | None = None
    event: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """What held at one time. ``changes`` are the first ones after it, by ladder; ``event`` the latest before it."""

    decisions: Mapping[str, Decision]
    changes: Mapping[str, Entry]
    event: Entry | None = None


class DecisionLog:
    """Owned by the control thread. What cannot be written is told once, and the daemon goes on."""

    def __init__(self, folder: Path, clock: Clock, part_bytes: int = PART_BYTES) -> None:
        self._file, self._clock, self._part_bytes = folder / FILE, clock, part_bytes
        self._minds: dict[str, tuple[_Mind, _Mind, float]] = {}
        self._failing = False
        self._append({"wall_s": clock.wall_s(), "event": "started"})

    def note(self, decisions: Decisions) -> None:
        """Write what changed since the last call."""
        now_s = self._clock.monotonic_s()
        for name, decision in decisions.items():
            choice: _Mind = (decision.variant,)
            why: _Mind = (
                decision.reason.code,
                *((r.variant, r.reason.code) for r in decision.rejected),
            )
            before = self._minds.get(name)
            if (
                before is not None
                and before[0] == choice
                and (before[1] == why or now_s - before[2] < REASONS_EVERY_S)
            ):
                continue
            self._minds[name] = (choice, why, now_s)
            self._append({"wall_s": self._clock.wall_s(), "decision": asdict(decision)})

    def close(self) -> None:
        """The daemon stops as it was asked to."""
        self._append({"wall_s": self._clock.wall_s(), "event": "stopped"})

    def _append(self, item: Mapping[str, Any]) -> None:
        line = json.dumps(item, separators=(",", ":")).encode() + b"\n"
        try:
            if self._file.exists() and self._file.stat().st_size + len(line) > self._part_bytes:
                self._file.replace(older(self._file))
            fd = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
            try:
                os.write(fd, line)
            finally:
                os.close(fd)
        except OSError as e:
            if not self._failing:
                _log.warning("cannot keep the decisions in %s: %s", self._file, e.strerror)
            self._failing = True
        else:
            self._failing = False


def older(file: Path) -> Path:
    """The part before the newest one."""
    return file.with_name(file.name + ".1")


def entries(folder: Path) -> Iterator[Entry]:
    """Everything that is kept, oldest first; lines that cannot be read are left out."""
    for file in (older(folder / FILE), folder / FILE):
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            entry = _entry(line)
            if entry is not None:
                yield entry


def moment(found: Iterator[Entry], wall_s: float) -> Moment:
    """What held at ``wall_s``. A decision of before a start of the daemon does not hold after it."""
    decisions: dict[str, Decision] = {}
    changes: dict[str, Entry] = {}
    event: Entry | None = None
    for entry in found:
        d = entry.decision
        if entry.wall_s <= wall_s:
            if d is None:
                event = entry
                decisions.clear()
            else:
                # as it was told then: so much later, it had been so for so much longer
                decisions[d.ladder] = replace(d, at_s=d.at_s + wall_s - entry.wall_s)
        elif d is None:
            for name in decisions:
                changes.setdefault(name, entry)
        elif d.ladder not in decisions or d.variant != decisions[d.ladder].variant:
            changes.setdefault(d.ladder, entry)
    return Moment(decisions, changes, event)


def moment_item(found: Moment, wall_s: float) -> dict[str, Any]:
    """JSON-ready, for the control socket."""
    return {
        "at_wall_s": wall_s,
        "decisions": [asdict(d) for d in found.decisions.values()],
        "changes": {name: asdict(entry) for name, entry in found.changes.items()},
        "event": None if found.event is None else asdict(found.event),
    }


def decision_of(item: Mapping[str, Any]) -> Decision:
    """A decision from its JSON form (``asdict``). Raises KeyError, TypeError for anything else."""
    floor, shadow, proposal = item.get("floor"), item.get("shadow"), item.get("proposal")
    rejected = tuple(Rejection(r["variant"], Reason(**r["reason"])) for r in item["rejected"])
    return Decision(
        **{
            **item,
            "reason": Reason(**item["reason"]),
            "rejected": rejected,
            "warm": tuple(item["warm"]),
            "notes": tuple(item["notes"]),
            "floor": None if floor is None else Floor(**floor),
            "shadow": None if shadow is None else Shadow(**shadow),
            "proposal": None if proposal is None else Proposal(**proposal),
            "agreements": tuple(Agreement(**a) for a in item.get("agreements", ())),
        }
    )


def _entry(line: str) -> Entry | None:
    try:
        item = json.loads(line)
        if "decision" in item:
            return Entry(float(item["wall_s"]), decision_of(item["decision"]))
        return Entry(float(item["wall_s"]), None, str(item["event"]))
    except (ValueError, KeyError, TypeError):
        return None  # torn, or of another version
