"""Live reload, all or nothing: new workers are made ready beside the old ones before anything is replaced."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from edgerund.config.assembly import Assembly, load_assembly
from edgerund.daemon.control import Pending
from edgerund.daemon.ladder_runtime import LadderRuntime
from edgerund.daemon.next_network import NextNetwork
from edgerund.errors import (
    ConfigError,
    ControlError,
    EdgerundError,
    LadderError,
    Problem,
    StartError,
)

if TYPE_CHECKING:
    from edgerund.daemon.supervisor import Supervisor
    from edgerund.ports import Actuator

log = logging.getLogger("edgerund.reload")
LIMIT_S = 120.0
FIXED = ("runtime_dir", "socket_mode", "watch_endpoints", "metrics", "sensors", "recorder")
"""Settings that only a restart changes."""
LEAVE_S = 1.0
"""Beyond ``drain_s`` an old worker has so long to end; nobody answers meanwhile."""


class Reload:
    """One reload. ``step`` is called by the poll loop until it returns True."""

    def __init__(self, daemon: Supervisor, pending: Pending | None, now_s: float) -> None:
        self._daemon = daemon
        self._pending = pending
        self._until_s = now_s + LIMIT_S
        self._fresh: dict[str, LadderRuntime] = {}
        self._leaving: list[LadderRuntime] = []
        self._new: Assembly | None = None
        self._error: EdgerundError | None = None
        self._actuators: dict[str, Actuator] | None = None
        self._network: NextNetwork | None = None
        self._committed = False
        self._left_by_s = self._until_s
        try:
            self._new = load_assembly(daemon.assembly.file)
            self._refuse_what_needs_a_restart(daemon.assembly, self._new)
            self._actuators = self._other_actuators(daemon.assembly, self._new)
            self._network = NextNetwork(daemon, self._new)
            self._prepare(self._new, now_s)
        except EdgerundError as e:
            self._error = e

    def others(self) -> list[LadderRuntime]:
        """Runtimes that are not in the fleet: not yet, or no longer."""
        return [*self._fresh.values(), *self._leaving] if not self._committed else self._leaving

    def step(self, now_s: float) -> bool:
        """Go on. True once it is over, for better or worse."""
        if self._error is None and not self._committed:
            self._watch(now_s)
        if self._error is not None:
            self._abort(self._error)
            return True
        if not self._committed:
            if not self._ready():
                return False
            self._commit(now_s)
        self._leaving = [r for r in self._leaving if r.fileno() is not None]
        if self._leaving and now_s < self._left_by_s:
            return False
        for r in self._leaving:
            log.error("%s: the old worker does not leave: killing it", r.plan.name)
            r.discard()
        self._finish()
        return True

    # ------------------------------------------------------------------ before
    def _refuse_what_needs_a_restart(self, old: Assembly, new: Assembly) -> None:
        problems = [
            Problem(str(new.file or "settings"), 0, key, "cannot change it while running: restart")
            for key in FIXED
            if getattr(old.settings, key) != getattr(new.settings, key)
        ]
        if problems:
            raise ConfigError(problems)

    def _other_actuators(self, old: Assembly, new: Assembly) -> dict[str, Actuator] | None:
        """Those of the new policy; None where nothing about them changes."""
        before = (old.policy.actuators, old.settings.actuators)
        if self._daemon.actuation is None or before == (
            new.policy.actuators,
            new.settings.actuators,
        ):
            return None
        return self._daemon.actuation.make(new)

    def _prepare(self, new: Assembly, now_s: float) -> None:
        old = self._daemon.assembly
        budget = self._daemon.budget_bytes(new)
        for name, (plan, entry) in new.ladders.items():
            if old.ladders.get(name) == (plan, entry) and name in self._daemon.fleet.runtimes:
                continue
            self._daemon.fleet.open(new, plan, entry)
            runtime = self._daemon.fleet.build(new, name, budget, now_s, bound=False)
            self._fresh[name] = runtime
            runtime.wish(self._first_wish(name, runtime))
            runtime.keep_alive(now_s)

    def _first_wish(self, name: str, fresh: LadderRuntime) -> str:
        """What answers now, where the new ladder has it still; else the best, on trust, as at a start."""
        before = self._daemon.fleet.runtimes.get(name)
        names = fresh.usable()
        return before.live if before is not None and before.live in names else names[0]

    def _watch(self, now_s: float) -> None:
        for name, r in self._fresh.items():
            if not r.ready and not r.usable():
                reasons = "; ".join(f"{n}: {why}" for n, why in r.quarantine.reasons.items())
                self._error = LadderError(
                    f"cannot serve ladder {name!r}: no usable variant ({reasons})"
                )
            elif r.stillborn is not None:
                self._error = StartError(
                    f"cannot start a new worker for ladder {name!r}: {r.stillborn}; its own words are in the log"
                )
            elif not r.ready and not r.wished():
                r.wish(r.usable()[0])
        late = now_s > self._until_s
        if late and not all(r.ready for r in self._fresh.values()):
            self._error = LadderError(f"cannot reload: a ladder was not ready within {LIMIT_S:g} s")
        if self._network is not None:
            self._error = self._error or self._network.mistake(now_s, late=late)

    def _ready(self) -> bool:
        waits = self._network is not None and self._network.loads
        return not waits and all(r.ready for r in self._fresh.values())

    # ------------------------------------------------------------------ after
    def _commit(self, now_s: float) -> None:
        assert self._new is not None
        daemon = self._daemon
        drain_s = daemon.assembly.settings.drain_s
        self._left_by_s = now_s + drain_s + LEAVE_S
        budget = daemon.budget_bytes(self._new)
        for name in [*daemon.fleet.runtimes]:
            if name not in self._new.ladders or name in self._fresh:
                old = daemon.fleet.runtimes.pop(name)
                old.stop(drain_s)
                self._leaving.append(old)
                if name in self._fresh:
                    self._fresh[name].hold = old.hold if self._keeps(name, old) else None
            else:
                daemon.fleet.renew(self._new, name, budget)
        daemon.assembly = self._new
        daemon.fleet.runtimes = {
            n: self._fresh.get(n) or daemon.fleet.runtimes[n] for n in self._new.ladders
        }
        assert self._network is not None
        daemon.controller.replace(self._new.policy, self._fresh, self._network.advisor)
        if daemon.actuation is not None and self._actuators is not None:
            daemon.actuation.use(self._new, self._actuators)
        self._committed = True

    def _keeps(self, name: str, old: LadderRuntime) -> bool:
        assert self._new is not None
        names = {v.name for v in self._new.ladders[name][0].variants}
        return old.hold is not None and old.hold.variant in names

    def _finish(self) -> None:
        for r in self._fresh.values():
            r.open()
        self._daemon.fleet.close_unused(self._daemon.assembly)
        self._answer(
            {"ladders": sorted(self._daemon.assembly.ladders), "replaced": sorted(self._fresh)}
        )
        log.info("reloaded; replaced ladders: %s", ", ".join(sorted(self._fresh)) or "none")

    def give_up(self, why: str) -> None:
        """The control loop failed meanwhile: end it now, for better or worse."""
        if not self._committed:
            self._abort(ControlError(f"cannot reload: {why}"))
            return
        for r in self._leaving:
            r.discard()
        self._finish()

    def _abort(self, error: EdgerundError) -> None:
        if self._network is not None:
            self._network.discard()
        for r in self._fresh.values():
            r.discard()
        self._daemon.fleet.close_unused(self._daemon.assembly)
        log.error("reload refused, the old state stays: %s", error)
        self._answer(error)

    def _answer(self, answer: dict[str, Any] | EdgerundError) -> None:
        self._daemon.notifier.ready()
        if self._pending is not None:
            self._pending.finish(answer)
