"""A sensor plug-in that does damage on request: what a mistake in somebody's plug-in can do to the daemon."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgerund.types import Reading, Sense


class Saboteur:
    """Reads ``order`` (a file with one word, taken away when obeyed), and tells about 40 C otherwise.

    ``raise``: fails until ``heal``. ``leave``: ends the threads that call it. ``block``: never comes back. ``kill``:
    ends the control thread with SystemExit. ``freeze``: holds the interpreter for six seconds, so that no thread
    of the process runs.
    """

    period_s = 0.1

    def __init__(self, root: Any, clock: Any, order: str = "") -> None:  # noqa: ARG002  what every sensor is given
        self._order = Path(order)
        self._deed = ""
        self._rounds = 0

    def probe(self) -> None:
        return None

    def read(self) -> Iterable[Sense]:
        if self._order.exists():
            self._deed = self._order.read_text()
            self._order.unlink()
            self._act()
        if self._deed == "raise":
            raise ValueError("broken on purpose")
        if self._deed == "leave":
            raise GeneratorExit  # no Exception: ends the thread
        self._rounds += 1
        return [Reading("zone.test.temp_c", 40.0 + self._rounds % 3 / 10, "C", 0.0, "saboteur")]

    def close(self) -> None:
        pass

    def _act(self) -> None:
        if self._deed == "block":
            threading.Event().wait()
        elif self._deed == "kill":
            control = ctypes.c_ulong(threading.main_thread().ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(control, ctypes.py_object(SystemExit))
        elif self._deed == "freeze":
            ctypes.PyDLL(None).sleep(6)  # unlike CDLL, it keeps the interpreter's lock
