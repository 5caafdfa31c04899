"""Feeds the flight recorder: each tick, and what a replay needs to decide it again from any part of the recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import edgerund
from edgerund.observe.recorder import Recorder
from edgerund.policy.plain import to_plain
from edgerund.policy.state import dump_state
from edgerund.types import Decisions, Snapshot
from edgerund.types.policy import PolicyPlan

if TYPE_CHECKING:
    from edgerund.clock import Clock
    from edgerund.config.settings import RecorderSettings
    from edgerund.daemon.controller import Controller


class Flight:
    """An observer of the supervisor that owns its recorder.

    Raises:
        StartError: the file cannot be written.
    """

    def __init__(self, settings: RecorderSettings, controller: Controller, clock: Clock) -> None:
        self._controller = controller
        self._epoch = controller.epoch
        self._recorder = Recorder(
            settings.file,
            clock,
            max_bytes=settings.max_mb * 1024 * 1024,
            context=context_of(controller.policy),
            dump_before=dump_state,
        )

    def observe(self, snapshot: Snapshot, decisions: Decisions) -> None:
        """Record one tick; never waits."""
        controller = self._controller
        if (
            controller.epoch != self._epoch
        ):  # another policy, another ladder, a decision that failed
            self._epoch = controller.epoch
            self._recorder.restart(context_of(controller.policy), controller.before)
        self._recorder.record(snapshot, decisions, controller.before)

    def close(self) -> None:
        """Write what waits."""
        self._recorder.close()


def context_of(policy: PolicyPlan) -> dict[str, Any]:
    """What the head of a recording tells of the policy in force."""
    return {"version": edgerund.__version__, "policy": policy.name, "plan": to_plain(policy)}
