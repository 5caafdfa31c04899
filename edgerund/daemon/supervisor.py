"""The control thread: one poll loop over workers, control socket, signals and the tick. Boring on purpose."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import zmq

from edgerund.clock import Clock
from edgerund.config.assembly import Assembly
from edgerund.daemon.actuation import Actuation
from edgerund.daemon.control import Pending
from edgerund.daemon.controller import Controller
from edgerund.daemon.farewell import farewell
from edgerund.daemon.fleet import budget_bytes
from edgerund.daemon.handlers import handlers
from edgerund.daemon.ladder_runtime import LadderRuntime
from edgerund.daemon.launch import Launch
from edgerund.daemon.notify import Notifier
from edgerund.daemon.recovery import Recovery
from edgerund.daemon.reload import Reload
from edgerund.daemon.signals import RELOAD, STOP, Signals
from edgerund.daemon.status import daemon_status, headline
from edgerund.daemon.watchdog import Watchdog
from edgerund.daemon.watching import Watch
from edgerund.errors import ControlError, EdgerundError
from edgerund.sensors.hub import SensorHub
from edgerund.types import Decisions, Snapshot
from edgerund.types import worker as w

log = logging.getLogger("edgerund.supervisor")
Observer = Callable[[Snapshot, Decisions], None]
BEAT_S = 1.0
"""Workers hear from the loop at least so often; after three times as long without a word they lower themselves."""


class Supervisor:
    """Owns everything that is not a worker. Every method runs in the thread that calls ``run``."""

    def __init__(
        self,
        assembly: Assembly,
        launch: Launch,
        hub: SensorHub,
        notifier: Notifier,
        clock: Clock,
    ) -> None:
        self.assembly = assembly
        self.clock = clock
        self.hub = hub
        self.notifier = notifier
        self.controller = Controller(assembly.policy, clock)
        self.fleet = launch.fleet
        self.observers: list[Observer] = []
        self.actuation: Actuation | None = None
        self.started_s = launch.started_s
        self._recovery = Recovery()
        self._pause_s: float | None = None
        self._watchdog = Watchdog()
        self._beat_s = clock.monotonic_s()
        self._reload: Reload | None = None
        self._again = False
        self._stop = False
        self._next_tick_s = clock.monotonic_s()
        self._undecided = True
        self._listening, self._watching = launch.listening, launch.watching
        self.watch = Watch(self._watching, clock)
        self.control = launch.starting.hand_over(handlers(self))

    # ------------------------------------------------------------------ life
    def run(self, signals: Signals) -> None:
        """Serve until SIGTERM or SIGINT; SIGHUP reloads.

        Every ladder has given its golden answer already (``launch.wait_until_live``).
        """
        self._watchdog.start()
        try:
            while not self._stop:
                self._safe_turn(signals)
            self._watchdog.stop()
            self._close()
        except SystemExit as e:  # a plug-in's: the exit code must not say that all is well
            raise EdgerundError("cannot go on: something ended the control thread") from e
        finally:
            self._watchdog.stop()
            self._abandon()

    def _safe_turn(self, signals: Signals) -> None:
        try:
            if self._pause_s is not None:
                self._start_again(self._pause_s, signals)
            self._turn(signals)
        except BaseException as e:  # outermost: signals do not raise here, so it is a fault
            log.exception("the control loop failed: the cheapest variants serve")
            self._pause_s = self._recovery.failed(self.clock.monotonic_s())
            if self._pause_s is None:
                raise EdgerundError("cannot go on: the control loop fails again and again") from e

    def _start_again(self, pause_s: float, signals: Signals) -> None:
        """After a failure: the safest variants, whatever was under way given up, a pause, a decision."""
        self.controller.fall_back(self.fleet)
        reload, self._reload = self._reload, None
        if reload is not None:
            reload.give_up("the control loop failed")
        poller = zmq.Poller()
        poller.register(signals.fileno(), zmq.POLLIN)
        poller.poll(int(pause_s * 1e3))
        self._obey(signals.take())
        self._pause_s, self._undecided = None, True
        log.info("the control loop starts again")

    def _turn(self, signals: Signals) -> None:
        poller = zmq.Poller()
        poller.register(self.control.socket, zmq.POLLIN)
        poller.register(self.watch.socket, zmq.POLLIN)
        poller.register(signals.fileno(), zmq.POLLIN)
        for fd in (r.fileno() for r in self.everyone()):
            if fd is not None:
                poller.register(fd, zmq.POLLIN)
        poller.poll(max(0, int((self._due_s() - self.clock.monotonic_s()) * 1e3) + 1))
        self._obey(signals.take())
        self.control.serve_waiting()
        self.watch.serve_waiting()
        for r in self.everyone():
            self._hear(r)
            r.keep_alive(self.clock.monotonic_s())
        if self._reload is not None and self._reload.step(self.clock.monotonic_s()):
            self._reload = None
            self._undecided = True
        if self._again and self._reload is None:
            self._again = False
            self.reload(None)
        if self.clock.monotonic_s() >= self._next_tick_s:
            self._tick()
        elif self._undecided and all(r.answered() for r in self.fleet):
            self._decide()
        self._watchdog.beat()
        if self.clock.monotonic_s() - self._beat_s >= BEAT_S:
            self._beat_s = self.clock.monotonic_s()
            for r in self.fleet:
                r.beat()

    def everyone(self) -> list[LadderRuntime]:
        """Every runtime with a worker to listen to, also those that a reload prepares or retires."""
        return [*self.fleet, *(self._reload.others() if self._reload is not None else ())]

    def _due_s(self) -> float:
        now_s = self.clock.monotonic_s()
        dues = [d for d in (r.due(now_s) for r in self.everyone()) if d is not None]
        if self._reload is not None:
            dues.append(now_s + 0.05)
        return min([self._next_tick_s, self._beat_s + BEAT_S, *dues])

    def _obey(self, numbers: frozenset[int]) -> None:
        if numbers & RELOAD:
            self._again = True  # also while a reload is under way: the files may have changed since it read them
        if numbers & STOP:
            self._stop = True

    # ------------------------------------------------------------------ tick
    def _tick(self) -> None:
        now_s = self.clock.monotonic_s()
        if self._undecided:
            self._decide()  # a worker was too busy to answer within a tick: decide with what is known
        self._next_tick_s = max(self._next_tick_s + self.assembly.settings.tick_s, now_s)
        self._undecided = True
        for r in self.fleet:
            r.ask(now_s)
        self._beat_s = now_s
        self.hub.keep_alive()
        if self.hub.progress():
            self.notifier.watchdog()
        self.notifier.status(headline(list(self.fleet), self.controller.snapshot.senses))

    def _decide(self) -> None:
        self._undecided = False
        decisions = self.controller.step(self.fleet, self.hub.senses())
        for observe in self.observers:
            observe(self.controller.snapshot, decisions)
        self.watch.update(self.fleet)

    def _hear(self, r: LadderRuntime) -> None:
        was = r.fileno()
        for message in r.receive(self.clock.monotonic_s()):
            if isinstance(message, w.Failed):
                self._undecided = True  # do not wait for the tick: nobody may be live
            elif isinstance(message, w.Swapped):
                self.watch.update(self.fleet)
        if was is not None and r.fileno() is None:
            self._undecided = True

    # ------------------------------------------------------------------ what handlers may ask for
    @property
    def ready(self) -> bool:
        """True while every ladder has a live variant."""
        return all(r.live for r in self.fleet)

    def status(self) -> dict[str, Any]:
        """Everything at a glance."""
        return daemon_status(self)

    def budget_bytes(self, assembly: Assembly) -> int:
        """Memory for the resident variants of one ladder."""
        return budget_bytes(assembly, self.fleet.available_bytes)

    def decide_now(self) -> None:
        """A pin, an unpin: do not wait for the tick."""
        self._undecided = True

    def reload(self, pending: Pending | None) -> None:
        """Begin to replace everything by what the files say now; ``pending`` hears how it ended."""
        if self._reload is not None:
            raise ControlError("cannot reload: another reload is under way; ask again after it")
        self.notifier.reloading(self.clock.monotonic_s())
        self._reload = Reload(self, pending, self.clock.monotonic_s())

    # ------------------------------------------------------------------ end
    def _close(self) -> None:
        """Let the workers answer what waits, then end."""
        self.notifier.stopping()
        log.info("stopping")
        farewell(self.everyone(), self.assembly.settings.drain_s, self.clock)

    def _abandon(self) -> None:
        """Leave nothing behind, whatever happened."""
        for r in self.everyone():
            r.discard()
        self.controller.close()
        self.fleet.close_unused(None)
        self.control.close()
        self.watch.close()
        for listening in (self._listening, *self._watching):
            listening.close()
