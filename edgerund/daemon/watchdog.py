"""Ends this process when its control loop hangs, so that whoever supervises it starts it again.

A loop that fails is restarted in place (``recovery``); one that hangs cannot be. The watchdog counts turns of
its own, not time: a process that was stopped, or a board that slept, is not taken for one that hangs. Native code
that never gives the interpreter back stops this thread too: that is for systemd's watchdog.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading

SLICE_S = 1.0
HANG_S = 15.0
"""Well below the unit's WatchdogSec: a traceback of every thread tells more than a SIGABRT."""
EXIT_HUNG = 1


class Watchdog(threading.Thread):
    """``beat`` after each turn of the loop; ``stop`` before the loop ends."""

    def __init__(self, hang_s: float = HANG_S, slice_s: float = SLICE_S) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._hang_s, self._slice_s = hang_s, slice_s
        self._beats = 0
        self._stopped = threading.Event()

    def beat(self) -> None:
        """The loop turns."""
        self._beats += 1

    def stop(self) -> None:
        """Nothing is watched any more."""
        self._stopped.set()

    def run(self) -> None:
        """Count slices without a beat."""
        seen, silent_s = self._beats, 0.0
        while not self._stopped.wait(self._slice_s):
            silent_s = silent_s + self._slice_s if self._beats == seen else 0.0
            seen = self._beats
            if silent_s >= self._hang_s:
                self._end(silent_s)

    def _end(self, silent_s: float) -> None:
        print(  # noqa: T201 - logging takes locks, which the hanging thread may hold
            f"edgerund: the control loop hangs for {silent_s:.0f} s: ending, to be started again",
            file=sys.stderr,
            flush=True,
        )
        faulthandler.dump_traceback(all_threads=True)
        os._exit(EXIT_HUNG)
