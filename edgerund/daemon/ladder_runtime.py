"""One ladder as the supervisor runs it: its worker process, what that said last, and what is wished of it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerProcess
from typing import Any, TypeAlias

from edgerund.daemon.quarantine import Quarantine
from edgerund.daemon.residency import need_bytes, plan_residency
from edgerund.types import Decision, Hold, LadderPlan, LadderState, ServingFigures, VariantState
from edgerund.types import worker as w

log = logging.getLogger("edgerund.ladder")
Spawn: TypeAlias = Callable[[bool], tuple[ForkServerProcess, socket.socket]]
"""Starts a worker; the argument says whether it takes connections at once."""
MAX_BACKOFF_S = 5.0


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
        self._loading = ""
        self._wanted = ""
        self._label = ("", "")
        self._process: ForkServerProcess | None = None
        self._socket: socket.socket | None = None
        self._heard_s = now_s
        self._restart_at_s: float | None = now_s
        self._backoff_s = 0.0
        self._stopping = False
        self._hung = False
        self._bound = bound

    # ------------------------------------------------------------------ for the poll loop
    def fileno(self) -> int | None:
        """The socket to poll, None while there is no worker."""
        return self._socket.fileno() if self._socket is not None else None

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._process.pid if self._process is not None else None

    def due(self, now_s: float) -> float | None:
        """When ``keep_alive`` wants to be called: a pending restart."""
        return None if self._restart_at_s is None else max(now_s, self._restart_at_s)

    def usable(self) -> list[str]:
        """Variants that are not quarantined, best first."""
        return [v.name for v in self.plan.variants if v.name not in self.quarantine.reasons]

    # ------------------------------------------------------------------ life of the worker
    def keep_alive(self, now_s: float) -> None:
        """Start the worker if that is due; kill it if it has been silent for too long."""
        if self._restart_at_s is not None and now_s >= self._restart_at_s and not self._stopping:
            self._restart_at_s = None
            self._process, self._socket = self._spawn(self._bound)
            self._heard_s = now_s
            if self._wanted:
                self._send(w.Serve(self._wanted, *self._label))
        elif self._socket is not None and now_s - self._heard_s > self._hang_s and self.ready:
            log.error(
                "%s: worker silent for %.1f s: killing it", self.plan.name, now_s - self._heard_s
            )
            self._hung = True
            self.kill()
            self._heard_s = now_s

    def kill(self) -> None:
        """SIGKILL; the poll loop sees the end of the socket."""
        if self._process is not None and self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def discard(self) -> None:
        """Kill the worker and forget it: nothing of it will be heard again."""
        self.kill()
        if self._socket is not None:
            self._stopping = True
            self._bury(0.0)

    def open(self) -> None:
        """Take connections: whoever had them before has stopped."""
        self._bound = True
        self._send(w.Open())

    def stop(self, drain_s: float) -> None:
        """Ask the worker to answer what waits and to leave."""
        self._stopping = True
        self._restart_at_s = None
        self._send(w.Stop(drain_s))

    def receive(self, now_s: float) -> list[w.Message]:
        """Everything that the worker said; notices its death. Returns what others may want to know."""
        heard: list[w.Message] = []
        while self._socket is not None:
            try:
                packet = self._socket.recv(4 * w.MAX_PACKET_BYTES)
            except BlockingIOError:
                break
            except OSError:
                packet = b""
            if not packet:
                self._bury(now_s)
                break
            self._heard_s = now_s
            message = w.decode(packet)
            self._note(message, now_s)
            heard.append(message)
        return heard

    def _bury(self, now_s: float) -> None:
        assert self._socket is not None
        self._socket.close()
        self._socket = None
        code = None
        if self._process is not None:
            self._process.join(timeout=1.0)
            code = self._process.exitcode
        self._process = None
        suspects, self._loading = self._suspects(code), ""
        self._residents.clear()
        was_live, self.live = bool(self.live), ""
        if self._stopping:
            return
        how = _how(code)
        self.restarts += 1
        log.error("%s: worker died (%s); suspects %s", self.plan.name, how, [*suspects] or "none")
        for name, weight in suspects.items():
            if self.quarantine.died(name, how, now_s, weight):
                log.error(
                    "%s: quarantine of %s: %s", self.plan.name, name, self.quarantine.reasons[name]
                )
        if self._wanted in self.quarantine.reasons:
            self._wanted = (self.usable() or [""])[-1]  # the safest until the next decision
        # one that came as far as serving is started again at once; one that did not, ever more slowly
        self._backoff_s = 0.0 if was_live else min(MAX_BACKOFF_S, 2 * self._backoff_s + 0.1)
        self._restart_at_s = now_s + self._backoff_s

    def _suspects(self, code: int | None) -> dict[str, float]:
        """Variants whose code may have ended the worker, each with the weight of the suspicion.

        A SIGKILL that is not ours comes from outside: an operator, or the kernel short of memory. That says nothing
        against what is live, and half as much as a crash against what was just being loaded.
        """
        foreign_kill = code == -signal.SIGKILL and not self._hung
        self._hung = False
        if foreign_kill:
            return {self._loading: 0.5} if self._loading else {}
        return {name: 1.0 for name in (self._loading, self.live) if name}

    def _note(self, m: w.Message, now_s: float) -> None:
        name = self.plan.name
        if isinstance(m, w.Loading):
            self._loading = m.variant
        elif isinstance(m, w.Loaded):
            self._loading = ""
            self._residents.add(m.variant)
            self._measured[m.variant] = m.memory_bytes
            log.info("%s: %s resident after %.0f ms", name, m.variant, m.load_ms)
        elif isinstance(m, w.Failed):
            self._loading = "" if self._loading == m.variant else self._loading
            if self.quarantine.condemn(m.variant, m.reason):
                log.error("%s: quarantine of %s: %s", name, m.variant, m.reason)
            if self._wanted == m.variant:
                self._wanted = ""
        elif isinstance(m, w.Retired):
            self._residents.discard(m.variant)
        elif isinstance(m, w.Swapped):
            self.live, self.live_since_s, self.ready = m.variant, now_s, True
            if m.previous:
                key = (m.variant, m.code)
                self.swaps[key] = self.swaps.get(key, 0) + 1
        elif isinstance(m, w.Report):
            self.report = m

    def _send(self, message: w.Message) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # its death is seen by receive
                self._socket.send(w.encode(message))

    # ------------------------------------------------------------------ wishes
    def ask(self) -> None:
        """Ask for figures."""
        self.seq += 1
        self._send(w.Ask(self.seq))

    def answered(self) -> bool:
        """True once the figures of this tick are there, or cannot come."""
        return self._socket is None or (self.report is not None and self.report.seq >= self.seq)

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
        label = ("", "") if best else (decision.reason.code, decision.reason.text)
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
            self._send(w.Serve(decision.variant, *label, break_first=residency.break_first))
        for name in residency.keep:
            if name not in self._residents and name != self._wanted and name in usable:
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


def _how(code: int | None) -> str:
    if code is None:
        return "its socket closed"
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
