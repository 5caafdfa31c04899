"""Flight recordings: a simulated run as one, and any one read back with the policy and restarts that it tells of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

import edgerund
from edgerund.clock import ManualClock
from edgerund.errors import UsageError
from edgerund.observe.record_reader import RecordReader
from edgerund.observe.recorder import Recorder, parts_of
from edgerund.policy.plain import to_plain
from edgerund.policy.state import State, dump_state, load_state
from edgerund.sim.controllers import Decider
from edgerund.sim.plant import WALL_START_S, Row
from edgerund.types import Decision, Snapshot
from edgerund.types.policy import PolicyPlan

FLUSH_EVERY = 32  # the recorder's queue is made for one tick a second
MOST_BYTES = 1 << 30


def context_of(plan: PolicyPlan) -> dict[str, Any]:
    """What the head of a recording tells of the policy, so that replay needs no file for it."""
    return {"version": edgerund.__version__, "policy": plan.name, "plan": to_plain(plan)}


class Recording:
    """Writes a simulated run as the daemon's flight recorder would; ``watch`` goes to the runner."""

    def __init__(self, path: Path, decider: Decider) -> None:
        self._decider, self._plan = decider, decider.plan
        path.unlink(missing_ok=True)
        clock = ManualClock(0.0, WALL_START_S)
        self._recorder = Recorder(
            path,
            clock,
            max_bytes=MOST_BYTES,
            files=1,
            context=context_of(self._plan),
            dump_before=dump_state,
        )
        self._count = 0

    def watch(self, snapshot: Snapshot, decisions: Mapping[str, Decision], row: Row) -> None:  # noqa: ARG002
        """Record one tick."""
        if self._decider.plan != self._plan:
            self._plan = self._decider.plan
            self._recorder.restart(context_of(self._plan), self._decider.before)
        self._recorder.record(snapshot, decisions)
        self._count += 1
        if self._count % FLUSH_EVERY == 0:
            self._recorder.flush()

    def close(self) -> None:
        """Write what waits."""
        self._recorder.close()


@dataclass(frozen=True, slots=True)
class Tick:
    """One recorded tick.

    ``begins``: the controller starts here from ``state``: afresh, because the daemon or its policy is new, or
    from what the head of the oldest part that is left tells. ``plan`` is the policy from then on, if told.
    """

    snapshot: Snapshot
    decisions: Mapping[str, Decision]
    begins: bool
    state: State = State()
    plan: PolicyPlan | None = None


class Tape:
    """All parts of a recording, oldest first.

    ``plan`` is the policy that the first head tells of, None if it does not.

    Raises:
        UsageError: no such file, or no recording.
    """

    def __init__(self, path: Path) -> None:
        self._parts = [part for part in reversed(parts_of(path)) if part.exists()]
        if not self._parts:
            raise UsageError(f"cannot replay {path}: there is no such file")
        self.skipped = 0
        self.heads = [_first_head(part) for part in self._parts]
        self.plan = _plan(self.heads[0].get("context", {}))

    def __iter__(self) -> Iterator[Tick]:
        self.skipped = 0
        state, plan = State(), self.plan
        for number, part in enumerate(self._parts):
            reader = RecordReader(part)
            seen_heads = 0
            for record in reader:
                # a head in the midst of a file is a restart; at the start of a later part it is only a rotation
                begins = len(reader.heads) != seen_heads and (seen_heads > 0 or number == 0)
                seen_heads = len(reader.heads)
                if begins:
                    state, plan = (
                        _state(reader.heads[-1]),
                        _plan(reader.heads[-1].get("context", {})),
                    )
                yield Tick(record.snapshot, record.decisions, begins, state, plan)
            self.skipped += reader.skipped


def _first_head(path: Path) -> dict[str, Any]:
    try:
        reader = RecordReader(path)
        next(iter(reader), None)
    except (OSError, ValueError) as e:
        raise UsageError(str(e)) from e
    return reader.heads[0] if reader.heads else {}


def _state(head: Mapping[str, Any]) -> State:
    """What the controller knew before the first tick after this head."""
    try:
        return load_state(head["before"]) if "before" in head else State()
    except ValueError:
        return State()  # written by another version


def _plan(context: Mapping[str, Any]) -> PolicyPlan | None:
    if "plan" not in context:
        return None
    try:
        return TypeAdapter(PolicyPlan).validate_python(context["plan"])
    except ValidationError:
        return None  # written by another version: the policy has to be given
