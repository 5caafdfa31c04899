"""The thread that caps and restores: setting a power mode can take seconds, and nobody may wait for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgerund.actuators.keeper import Keeper
from edgerund.actuators.load import left_capped, load_actuators
from edgerund.errors import PluginError

if TYPE_CHECKING:
    from edgerund.config.assembly import Assembly
    from edgerund.ports import Actuator, SysRoot

log = logging.getLogger("edgerund.actuators")
RESTORE_S = 10.0
"""How long an end of the daemon waits for everything to be put back."""


class Actuation:
    """Made by the control thread, which says what it wants; the rest happens in a thread of its own."""

    def __init__(self, root: SysRoot) -> None:
        self._root = root
        self._cond = threading.Condition()
        self._wanted: Mapping[str, float] = {}
        self._fresh: Keeper | None = None
        self._keeper: Keeper | None = None
        self._changed = self._ending = False
        self._thread: threading.Thread | None = None

    def make(self, assembly: Assembly) -> dict[str, Actuator]:
        """The actuators of a policy. Raises PluginError."""
        names = assembly.policy.actuators.caps
        return load_actuators(names, self._root, assembly.settings.actuators)

    def use(self, assembly: Assembly, actuators: Mapping[str, Actuator]) -> None:
        """From now on these; what others hold is put back first, also what a killed process held."""
        found = dict(actuators)
        for name in left_capped(assembly.runtime_dir):
            if name not in found:
                try:
                    found |= load_actuators([name], self._root, assembly.settings.actuators)
                except PluginError as e:
                    log.error("cannot restore %s: %s", name, e)
        if not found and self._thread is None:
            return
        with self._cond:
            self._fresh = Keeper(assembly.runtime_dir, found)
            self._wanted = {}
            self._changed = True
            self._cond.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="actuators", daemon=True)
            self._thread.start()

    def want(self, shares: Mapping[str, float]) -> None:
        """The share (0..1) of full speed of each actuator; those not named are put back. Never waits."""
        if self._thread is None:
            return
        with self._cond:
            self._wanted = dict(shares)
            self._changed = True
            self._cond.notify()

    def status(self) -> list[dict[str, Any]]:
        """What is held, JSON-ready."""
        keeper = self._keeper
        return keeper.status() if keeper is not None else []

    def close(self) -> None:
        """Put everything back, and end."""
        if self._thread is None:
            return
        with self._cond:
            self._ending = True
            self._cond.notify()
        self._thread.join(RESTORE_S)
        if self._thread.is_alive():
            log.error("cannot wait any longer for actuators to be restored: the next start does it")

    # ------------------------------------------------------------------ the thread
    def _run(self) -> None:
        while self._turn():
            pass

    def _turn(self) -> bool:
        with self._cond:
            self._cond.wait_for(lambda: self._changed or self._ending)
            wanted, fresh, ending = dict(self._wanted), self._fresh, self._ending
            self._changed, self._fresh = False, None
        try:
            if (fresh is not None or ending) and self._keeper is not None:
                self._keeper.restore()
            if fresh is not None:
                fresh.recover()
                self._keeper = fresh
            if self._keeper is not None and not ending:
                self._keeper.want(wanted)
        except Exception:  # outermost: an actuator that fails must not take the others along
            log.exception("cannot set an actuator")
        return not ending
