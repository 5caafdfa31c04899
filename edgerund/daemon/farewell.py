"""The end of the workers: asked to answer what waits and to leave, and waited for."""

from __future__ import annotations

import select
from collections.abc import Sequence

from edgerund.clock import Clock
from edgerund.daemon.ladder_runtime import LadderRuntime

MORE_S = 1.0
"""Beyond ``drain_s``: a worker ends after its last answer."""


def farewell(runtimes: Sequence[LadderRuntime], drain_s: float, clock: Clock) -> None:
    """Ask every worker to stop, and return once all have, or after ``drain_s`` and a moment."""
    for r in runtimes:
        r.stop(drain_s)
    end_s = clock.monotonic_s() + drain_s + MORE_S
    while any(r.fileno() is not None for r in runtimes):
        left_ms = int((end_s - clock.monotonic_s()) * 1e3)
        if left_ms <= 0:
            return
        poller = select.poll()
        for r in runtimes:
            fd = r.fileno()
            if fd is not None:
                poller.register(fd, select.POLLIN)
        poller.poll(left_ms)
        for r in runtimes:
            r.receive(clock.monotonic_s())
