"""What the control socket can be asked: one small function per operation."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import edgerund
from edgerund.daemon.control import Handler, Pending
from edgerund.daemon.ladder_runtime import LadderRuntime
from edgerund.daemon.status import daemon_status, decision_item, sense_item
from edgerund.errors import ControlError
from edgerund.observe.codec import dump_decisions, dump_snapshot
from edgerund.observe.decision_log import entries, moment, moment_item
from edgerund.types import Hold

if TYPE_CHECKING:
    from edgerund.daemon.supervisor import Supervisor

log = logging.getLogger("edgerund.control")
OPS = ("ping", "status", "why", "pin", "unpin", "reload", "sensors", "actuators", "tick")
MAX_HOLD_S = 366 * 86400.0


def handlers(daemon: Supervisor) -> dict[str, Handler]:
    """The table of operations."""
    ops = Operations(daemon)
    return {name: getattr(ops, name) for name in OPS}


class Operations:
    """Reads of the supervisor's state, and the three things an operator may do to it."""

    def __init__(self, daemon: Supervisor) -> None:
        self._daemon = daemon

    def ping(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """Is the control thread alive?"""
        return {"version": edgerund.__version__, "pid": os.getpid(), "ready": self._daemon.ready}

    def status(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """Everything at a glance."""
        return daemon_status(self._daemon)

    def why(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The last decision of one ladder, or of all, with what was rejected; or that of a time gone by."""
        wanted = request.get("ladder")
        if "at_wall_s" in request:
            return self._why_then(request)
        runtimes = [self._ladder(request)] if wanted else list(self._daemon.fleet)
        return {
            "decisions": [decision_item(r.decision) for r in runtimes if r.decision is not None],
            "live": {r.plan.name: r.live for r in runtimes},
            "now_s": self._daemon.clock.monotonic_s(),
        }

    def _why_then(self, request: Mapping[str, Any]) -> dict[str, Any]:
        wall_s = request["at_wall_s"]
        if type(wall_s) not in (int, float):
            raise ControlError(f"cannot say why at {wall_s!r}: give seconds since 1970")
        told = moment_item(moment(entries(self._daemon.assembly.runtime_dir), wall_s), wall_s)
        if request.get("ladder"):
            name = self._ladder(request).plan.name
            told["decisions"] = [d for d in told["decisions"] if d["ladder"] == name]
        return told

    def pin(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Hold one variant, for a while or until ``unpin``."""
        r = self._ladder(request)
        variant = request.get("variant")
        names = [v.name for v in r.plan.variants]
        if variant not in names:
            raise ControlError(f"cannot pin {variant!r}: {r.plan.name!r} has {', '.join(names)}")
        if variant in r.quarantine.reasons:
            raise ControlError(
                f"cannot pin {variant!r}: it is quarantined ({r.quarantine.reasons[variant]}); "
                "mend the ladder and reload"
            )
        for_s = request.get("for_s")
        if for_s is not None and not (isinstance(for_s, (int, float)) and 0 < for_s <= MAX_HOLD_S):
            raise ControlError(
                f"cannot pin for {for_s!r} s: give seconds, above 0 and up to a year"
            )
        now_s = self._daemon.clock.monotonic_s()
        reason = str(request.get("reason") or "pinned by the operator")[:200]
        r.hold = Hold(str(variant), reason, None if for_s is None else now_s + for_s)
        log.info("%s: hold on %s: %s", r.plan.name, variant, reason)
        self._daemon.decide_now()
        return {"ladder": r.plan.name, "variant": variant, "for_s": for_s, "reason": reason}

    def unpin(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Give the ladder back to the policy."""
        r = self._ladder(request)
        held, r.hold = r.hold, None
        self._daemon.decide_now()
        return {"ladder": r.plan.name, "was": held.variant if held else None}

    def reload(self, _request: Mapping[str, Any]) -> Pending:
        """Read every file again; all or nothing."""
        pending = Pending()
        self._daemon.reload(pending)
        return pending

    def sensors(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """Every reading with its age, and what is absent with the reason."""
        hub = self._daemon.hub
        return {
            "senses": [sense_item(s) for _, s in sorted(hub.senses().items())],
            "readers": [asdict(r) for r in hub.status()],
        }

    def actuators(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """What is capped, what was there before, and what stands in the way."""
        actuation = self._daemon.actuation
        return {"actuators": actuation.status() if actuation is not None else []}

    def tick(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """The latest snapshot and its decisions, in the exact text form of a recording."""
        controller = self._daemon.controller
        return {
            "snapshot": dump_snapshot(controller.snapshot),
            "decisions": dump_decisions(controller.decisions),
        }

    def _ladder(self, request: Mapping[str, Any]) -> LadderRuntime:
        runtimes = self._daemon.fleet.runtimes
        name = request.get("ladder")
        if name is None and len(runtimes) == 1:
            return next(iter(runtimes.values()))
        if not isinstance(name, str) or name not in runtimes:
            raise ControlError(f"cannot find ladder {name!r}: running are {', '.join(runtimes)}")
        return runtimes[name]
