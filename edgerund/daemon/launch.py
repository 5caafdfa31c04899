"""The start: listen, let the workers load, and wait for the golden answer of every ladder."""

from __future__ import annotations

import re
import select
from dataclasses import dataclass, field

from edgerund.clock import Clock
from edgerund.config.assembly import Assembly
from edgerund.daemon.fleet import Fleet, budget_bytes, control_listening, watch_listenings
from edgerund.daemon.listeners import Listening
from edgerund.daemon.notify import Notifier
from edgerund.daemon.signals import Signals
from edgerund.daemon.starting import Starting
from edgerund.errors import LadderError, StartError
from edgerund.ports import SysRoot

POLL_MS = 100
"""Restarts that are due are looked after at least so often while a start waits."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What was begun: the daemon's own listeners, and workers that load the best variant of each ladder."""

    listening: Listening
    fleet: Fleet
    started_s: float
    starting: Starting
    watching: list[Listening] = field(default_factory=list)

    def abandon(self) -> None:
        """Take it all back: the start failed before a supervisor took over."""
        for r in self.fleet:
            r.discard()
        self.fleet.close_unused(None)
        self.starting.close()
        for listening in (self.listening, *self.watching):
            listening.close()


def launch(assembly: Assembly, root: SysRoot, clock: Clock, started_s: float) -> Launch:
    """Open every socket and start every worker, each with the best variant of its ladder.

    That one is taken on trust: the first decision comes a moment later, and nearly always agrees.

    Raises:
        StartError: a socket that cannot be opened, or another daemon in the same folder.
    """
    fleet = Fleet(available_bytes=available_bytes(root))
    listening = control_listening(assembly)
    starting = Starting(assembly, listening, fleet, clock, started_s)
    begun = Launch(listening, fleet, started_s, starting)
    try:
        begun.watching.extend(watch_listenings(assembly))
        for plan, entry in assembly.ladders.values():
            begun.fleet.open(assembly, plan, entry)
        budget = budget_bytes(assembly, fleet.available_bytes)
        for name in assembly.ladders:
            runtime = begun.fleet.build(assembly, name, budget, clock.monotonic_s())
            begun.fleet.runtimes[name] = runtime
            runtime.wish(runtime.plan.variants[0].name)
            runtime.keep_alive(clock.monotonic_s())
    except BaseException:
        begun.abandon()
        raise
    return begun


def wait_until_live(begun: Launch, signals: Signals, notifier: Notifier, clock: Clock) -> bool:
    """Wait until every ladder has given its golden answer; a variant that fails makes room for the next one.

    Meanwhile ``notifier`` and whoever asks on the control socket hear what is waited for.

    Returns:
        False where somebody wants the daemon to stop before that.

    Raises:
        LadderError: a ladder none of whose variants is usable; the message has each reason. StartError: a worker
            that ends again and again before it comes to a variant.
    """
    while True:
        now_s = clock.monotonic_s()
        poller = select.poll()
        poller.register(signals.fileno(), select.POLLIN)
        for r in begun.fleet:
            r.receive(now_s)
            r.keep_alive(now_s)
            usable = r.usable()
            if not r.ready and not usable:
                reasons = "\n".join(f"  {n}: {why}" for n, why in r.quarantine.reasons.items())
                raise LadderError(
                    f"cannot serve ladder {r.plan.name!r}: no usable variant\n{reasons}"
                )
            if r.stillborn is not None:
                raise StartError(
                    f"cannot start the worker of ladder {r.plan.name!r}: it ends before it loads anything "
                    f"({r.stillborn}); its own words are above"
                )
            if not r.ready and not r.wished():
                r.wish(usable[0])
            fd = r.fileno()
            if fd is not None:
                poller.register(fd, select.POLLIN)
        if all(r.ready for r in begun.fleet):
            return True
        poller.poll(POLL_MS)
        if begun.starting.turn():
            notifier.status(begun.starting.words())
        if signals.stop_wanted():
            return False


def available_bytes(root: SysRoot) -> float | None:
    """``MemAvailable``; None where the kernel does not tell."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", root.read("/proc/meminfo"), re.MULTILINE)
    except OSError:
        return None
    return float(found[1]) * 1024 if found else None
