"""Holds actuators to their caps and puts everything back, whatever happens to the daemon.

What was there is saved before the first write, in a file that outlives the process; who starts next restores it. What
another program changes meanwhile is its own: it is reported, and neither fought nor restored.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgerund.ports import Actuator

_log = logging.getLogger("edgerund.actuators")
FILE = "actuators.json"


@dataclass(slots=True)
class Held:
    """One actuator. ``was`` are the values before the first write, ``put`` what stood there after the last one."""

    was: dict[str, str] = field(default_factory=dict)
    put: dict[str, str] = field(default_factory=dict)
    share: float = 1.0
    trouble: str = ""
    """Why it is left alone, until it is released."""


class Keeper:
    """Called from one thread."""

    def __init__(self, folder: Path, actuators: Mapping[str, Actuator]) -> None:
        self._file = folder / FILE
        self._actuators = dict(actuators)
        self.held = {name: Held() for name in actuators}

    def recover(self) -> list[str]:
        """Put back what a process before this one left; the names of the actuators that were restored."""
        try:
            saved = json.loads(self._file.read_text(encoding="utf-8"))
            found = {n: Held(dict(h["was"]), dict(h["put"]), 0.0) for n, h in saved.items()}
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            _log.error("cannot read what to restore from %s: %s", self._file, e)
            return []
        ours = {n: h for n, h in found.items() if n in self._actuators}
        self.held.update(ours)
        for name in ours:
            _log.warning("%s: was still capped, as a daemon before this one left it", name)
            self._drop_untouched(name)
            self._release(name)
        return list(ours)

    def want(self, shares: Mapping[str, float]) -> None:
        """Cap each actuator to its share; those not named, or at 1, are put back."""
        for name in self.held:
            share = shares.get(name, 1.0)
            held = self.held[name]
            if share >= 1.0:
                if held.was or held.trouble:
                    self._release(name)
            elif share != held.share and not held.trouble:
                self._cap(name, share)

    def left(self) -> bool:
        """Something could not be put back."""
        return any(held.was for held in self.held.values())

    def restore(self) -> None:
        """Put everything back."""
        self.want({})

    def status(self) -> list[dict[str, Any]]:
        """JSON-ready, one item per actuator."""
        return [{"name": name, **asdict(held)} for name, held in self.held.items()]

    # ------------------------------------------------------------------
    def _cap(self, name: str, share: float) -> None:
        actuator, held = self._actuators[name], self.held[name]
        try:
            if not held.was:
                missing = actuator.probe()
                if missing is not None:
                    self._leave_alone(name, f"cannot use {name}: {missing}")
                    return
                held.was = dict(actuator.read())
                held.put = dict(held.was)
            for knob, value in actuator.plan(share, held.was).items():
                if self._still_ours(name, knob) and held.put[knob] != value:
                    self._put(name, knob, value)
            held.share = share
        except OSError as e:
            self._leave_alone(name, f"cannot use {name}: {_words(e)}")

    def _put(self, name: str, knob: str, value: str) -> None:
        """Save, write, read back: the kernel may have thought otherwise."""
        actuator, held = self._actuators[name], self.held[name]
        before = held.put[knob]
        held.put[knob] = (
            value  # saved first: killed after the write, the next process must know it as ours
        )
        try:
            self._save()
            actuator.write(knob, value)
        except OSError:
            held.put[knob] = before
            raise
        found = actuator.read().get(knob, "")
        if found != value:
            _log.info("%s: %s asked for, %s is what became of %s", name, value, found, knob)
            held.put[knob] = found
            self._save()

    def _still_ours(self, name: str, knob: str) -> bool:
        """False where another program has set this knob meanwhile: it is left alone from then on."""
        held = self.held[name]
        if knob not in held.put:
            return False
        now = self._actuators[name].read().get(knob)
        if now == held.put[knob]:
            return True
        text = "%s: another program set %s to %s (here: %s): leaving it alone"
        _log.warning(text, name, knob, now, held.put[knob])
        del held.was[knob], held.put[knob]
        self._keep_file()
        if not held.was:
            held.trouble = "another program sets it"
        return False

    def _drop_untouched(self, name: str) -> None:
        """Knobs that a process meant to write when it was killed, but had not."""
        held = self.held[name]
        try:
            now = self._actuators[name].read()
        except OSError:
            return  # the release tells of it
        for knob in [k for k, value in held.was.items() if now.get(k) == value]:
            del held.was[knob], held.put[knob]

    def _release(self, name: str) -> None:
        held = self.held[name]
        try:
            for knob, value in list(held.was.items()):
                if self._still_ours(name, knob) and held.put[knob] != value:
                    self._actuators[name].write(knob, value)
                    found = self._actuators[name].read().get(knob)
                    if found != value:
                        _log.error("%s: %s is %s after restoring %s", name, knob, found, value)
        except OSError as e:
            if held.trouble != _words(e):
                held.trouble = _words(e)
                text = "cannot restore %s to %s: %s; mend it, then: edgerund actuators restore"
                _log.error(text, name, held.was, held.trouble)
            return
        if held.was:
            _log.info("%s: as it was before", name)
        self.held[name] = Held()
        self._keep_file()

    def _leave_alone(self, name: str, why: str) -> None:
        _log.error("%s", why)
        if self.held[name].put == self.held[name].was:
            self.held[name] = Held()
        self.held[name].trouble = why
        self._keep_file()

    def _keep_file(self) -> None:
        try:
            self._save()
        except OSError as e:
            _log.error("cannot write %s: %s", self._file, e.strerror)

    def _save(self) -> None:
        """Before every write. Raises OSError: without it nothing may be written."""
        kept = {n: {"was": h.was, "put": h.put} for n, h in self.held.items() if h.was}
        if not kept:
            self._file.unlink(missing_ok=True)
            return
        fresh = self._file.with_name(FILE + ".new")
        fresh.write_text(json.dumps(kept), encoding="utf-8")
        os.replace(fresh, self._file)  # noqa: PTH105  Path.replace would do the same


def _words(e: OSError) -> str:
    where = f" {e.filename}" if e.filename else ""
    if isinstance(e, PermissionError) or e.errno == 30:  # EROFS: the unit's ProtectSystem, say
        return f"no right to write{where} ({e.strerror}); see docs/actuators.md"
    return f"{e.strerror or e}{where}"
