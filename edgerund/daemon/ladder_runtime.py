"""One ladder as the supervisor runs it: its worker process, what that said last, and what is wished of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from edgerund.daemon.quarantine import Quarantine, suspects_of
from edgerund.daemon.residency import need_bytes, plan_residency
from edgerund.daemon.restarts import Restarts
from edgerund.daemon.shadowing import Shadowing
from edgerund.daemon.worker_link import WorkerLink, how
from edgerund.types import Decision, Hold, LadderPlan, LadderState, ServingFigures, VariantState
from edgerund.types import worker as w

log = logging.getLogger("edgerund.ladder")
Spawn: TypeAlias = Callable[[bool], WorkerLink]
"""Starts a worker; the argument says whether it takes connections at once."""


class LadderRuntime:
    """The supervisor's half of a ladder. Every method is called from the control thread."""

    def __init__(
        self,
        plan: LadderPlan,
        spawn: Spawn,
        budget_bytes: int,
        hang_s: float,
        now_s: float,
        *,
        bound: bool = True,
    ) -> None:
        self.plan = plan
        self.quarantine = Quarantine()
        self.hold: Hold | None = None
        self.live = ""
        self.live_since_s = now_s
        self.ready = False
        self.report: w.Report | None = None
        self.decision: Decision | None = None
        self.swaps: dict[tuple[str, str], int] = {}
        self.restarts = 0
        self.seq = 0
        self._spawn = spawn
        self._budget_bytes = budget_bytes
        self._hang_s = hang_s
        self._measured: dict[str, int] = {}
        self._residents: set[str] = set()
        self._shadowing = Shadowing()
        self.loading = ""
        self._wanted = ""
        self._label: tuple[str, str, float | None] = ("", "", None)
        self._link: WorkerLink | None = None
        self._restarts = Restarts(now_s)
        self._stopping = False
        self._bound = bound

    def renew(self, spawn: Spawn, budget_bytes: int, hang_s: float) -> None:
        """Settings that do not need another worker."""
        self._spawn, self._budget_bytes, self._hang_s = spawn, budget_bytes, hang_s

    # ------------------------------------------------------------------ for the poll loop
    def fileno(self) -> int | None:
        """The socket to poll, None while there is no worker."""
        return self._link.fileno() if self._link is not None else None

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._link.pid if self._link is not None else None

    @property
    def stillborn(self) -> str | None:
        """Why no worker will ever come as far as loading; None while one may."""
        return self._restarts.stillborn

    def due(self, now_s: float) -> float | None:
        """When ``keep_alive`` wants to be called: a pending restart, or a worker that must have spoken by then."""
        if self._restarts.at_s is not None:
            return max(now_s, self._restarts.at_s)
        silent_s = self._link.silent_since_s() if self._link is not None else None
        return None if silent_s is None else max(now_s, silent_s + self._hang_s)

    def usable(self) -> list[str]:
        """Variants that are not quarantined, best first."""
        return [v.name for v in self.plan.variants if v.name not in self.quarantine.reasons]

    # ------------------------------------------------------------------ life of the worker
    def keep_alive(self, now_s: float) -> None:
        """Start the worker if that is due; kill it if it has been silent for too long."""
        if self._restarts.take(now_s):
            try:
                self._link = self._spawn(self._bound)
            except OSError as e:
                self._restarts.failed(f"cannot start a worker: {e.strerror}", now_s)
                return
            if self._wanted:
                self._send_serve(self._wanted)
            self._refuse_if_hopeless()
        elif self._link is not None and not self._link.hung:
            silent_s = self._link.silent_since_s()
            if silent_s is not None and now_s - silent_s >= self._hang_s:
                log.error(
                    "%s: worker silent for %.1f s: killing it", self.plan.name, now_s - silent_s
                )
                self._link.hung = True
                self._link.kill()

    def discard(self) -> None:
        """Kill the worker and forget it: nothing of it will be heard again."""
        self._stopping = True
        self._restarts.never()
        if self._link is not None:
            self._link.kill()
            self._bury(0.0)

    def open(self) -> None:
        """Take connections: whoever had them before has stopped."""
        self._bound = True
        self._send(w.Open())

    def stop(self, drain_s: float) -> None:
        """Ask the worker to answer what waits and to leave."""
        self._stopping = True
        self._restarts.never()
        self._send(w.Stop(drain_s))

    def receive(self, now_s: float) -> list[w.Message]:
        """Everything that the worker said; notices its death. Returns what others may want to know."""
        if self._link is None:
            return []
        heard, alive = self._link.receive()
        for message in heard:
            self._note(message, now_s)
        if not alive:
            self._bury(now_s)
        return heard

    def _bury(self, now_s: float) -> None:
        assert self._link is not None
        end, hung = self._link.close(), self._link.hung
        self._link = None
        suspects = suspects_of(end, hung=hung, loading=self.loading, live=self.live)
        self.loading = ""
        self._residents.clear()
        self._shadowing.died(now_s)
        self.report = None  # the figures of one who is gone would be taken for the present
        was_live, self.live = bool(self.live), ""
        if self._stopping:
            return
        self.restarts += 1
        log.error(
            "%s: worker died (%s); suspects %s", self.plan.name, how(end), [*suspects] or "none"
        )
        for name, weight in suspects.items():
            if self.quarantine.died(name, how(end), now_s, weight):
                log.error(
                    "%s: quarantine of %s: %s", self.plan.name, name, self.quarantine.reasons[name]
                )
        if self._wanted in self.quarantine.reasons:
            self._wanted = (self.usable() or [""])[-1]  # the safest until the next decision
        if was_live:
            self._restarts.at_once(now_s)
        else:
            self._restarts.failed(how(end), now_s, blameless=bool(suspects))

    def _note(self, m: w.Message, now_s: float) -> None:
        name = self.plan.name
        if isinstance(m, w.Loading):
            self.loading = m.variant
            self._restarts.loads()
        elif isinstance(m, w.Loaded):
            self.loading = ""
            self._residents.add(m.variant)
            # a heap that was used before grows less: the most that was ever seen is the need
            self._measured[m.variant] = max(m.memory_bytes, self._measured.get(m.variant, 0))
            log.info("%s: %s resident after %.0f ms", name, m.variant, m.load_ms)
        elif isinstance(m, w.Failed):
            self.loading = "" if self.loading == m.variant else self.loading
            if self.quarantine.condemn(m.variant, m.reason):
                log.error("%s: quarantine of %s: %s", name, m.variant, m.reason)
            if self._wanted == m.variant:
                self._wanted = ""
            self._refuse_if_hopeless()
        elif isinstance(m, w.Retired):
            self._residents.discard(m.variant)
            if self.live == m.variant:
                self.live = ""  # broken before the next one is made
        elif isinstance(m, w.Swapped):
            self.live, self.live_since_s, self.ready = m.variant, now_s, True
            if m.previous:
                key = (m.variant, m.code)
                self.swaps[key] = self.swaps.get(key, 0) + 1
        elif isinstance(m, w.Lowered):
            log.error("%s: nobody steered for %.1f s: %s serves", name, m.silent_s, m.variant)
            self._wanted, self._label = (
                m.variant,
                ("controller", "", None),
            )  # the next decision is told
        elif isinstance(m, w.Report):
            self.report = m

    def _send(self, message: w.Message) -> None:
        if self._link is not None:
            self._link.send(message)

    def _send_serve(self, variant: str, *, break_first: bool = False) -> None:
        code, text, fps = self._label
        self._send(w.Serve(variant, code, text, break_first, fps))

    def _refuse_if_hopeless(self) -> None:
        if not self.usable():
            self._send(
                w.Refuse(
                    f"cannot answer: no variant of {self.plan.name!r} is usable; see edgerund status, mend "
                    "the ladder, and reload"
                )
            )

    # ------------------------------------------------------------------ wishes
    def ask(self, now_s: float) -> None:
        """Ask for figures."""
        self.seq += 1
        if self._link is not None:
            self._link.ask(self.seq, now_s)

    def beat(self) -> None:
        """The control loop turns: the worker need not look after itself."""
        self._send(w.Alive())

    def answered(self) -> bool:
        """True once the figures of this tick are there, or cannot come."""
        return self._link is None or self._link.silent_since_s() is None

    def wish(self, variant: str) -> None:
        """Ask for a variant before any decision: a ladder that a reload prepares."""
        self._wanted = variant
        self._send(w.Serve(variant))

    def wished(self) -> bool:
        """False once the wished variant has failed."""
        return bool(self._wanted)

    def apply(self, decision: Decision) -> None:
        """Carry out a decision: swap, relabel, warm, retire."""
        self.decision = decision
        best = decision.variant == self.plan.variants[0].name
        why = ("", "") if best else (decision.reason.code, decision.reason.text)
        label = (*why, decision.suggested_fps)
        need = {v.name: need_bytes(v, self._measured) for v in self.plan.variants}
        usable = self.usable()
        residency = plan_residency(
            decision.variant,
            self.live,
            usable[-1] if usable else decision.variant,
            [n for n in (*decision.warm, *self.residents) if n in usable],
            need,
            self._budget_bytes,
        )
        if decision.variant != self._wanted or label != self._label:
            self._wanted, self._label = decision.variant, label
            self._send_serve(decision.variant, break_first=residency.break_first)
        beside = self._shadowing.wish(decision.shadow, decision.at_s)
        if beside is not None:
            self._send(beside)
        for name in residency.keep:
            if name in self._residents or name == self._wanted or name not in usable:
                continue
            if not self.quarantine.on_probation(name, decision.at_s):
                self._send(w.Warm(name))
        for name in sorted(self._residents - set(residency.keep) - {self.live}):
            self._send(w.Retire(name))

    # ------------------------------------------------------------------ what others see
    def state(self) -> LadderState:
        """The ladder as the controller sees it."""
        figures: dict[str, Any] = dict(self.report.figures) if self.report is not None else {}
        return LadderState(
            name=self.plan.name,
            variants=tuple(
                VariantState(
                    v.name, v.card, v.name in self._residents, self.quarantine.reasons.get(v.name)
                )
                for v in self.plan.variants
            ),
            live=self.live or None,
            since_s=self.live_since_s,
            hold=self.hold,
            serving=ServingFigures(**figures),
        )

    @property
    def residents(self) -> Sequence[str]:
        """Loaded variants, best first."""
        return [v.name for v in self.plan.variants if v.name in self._residents]

    @property
    def measured_bytes(self) -> dict[str, int]:
        """Resident growth per variant, as this daemon measured it."""
        return dict(self._measured)
