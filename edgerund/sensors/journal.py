"""Tells the log when a sensor breaks and when it heals, and keeps silent in between."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from edgerund.types import NoData, Sense

_log = logging.getLogger("edgerund.sensors")
_LINES_PER_WINDOW, _WINDOW_S = 8, 600.0


class EdgeJournal:
    """What one reader said last, so that only changes are told."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._broken: dict[str, str] = {}
        self._lines: list[float] = []

    def tell(self, senses: Sequence[Sense], now: float) -> None:
        """One line when something breaks, one when it heals, and silence when it does so for ever."""
        broken = {
            s.name: s.reason for s in senses if isinstance(s, NoData) and s.reason != "waiting"
        }
        before, self._broken = self._broken, broken
        lost = {n: r for n, r in broken.items() if before.get(n) != r}
        healed = sorted(n for n in before if n not in broken)
        if not lost and not healed:
            return
        self._lines = [t for t in self._lines if now - t < _WINDOW_S]
        self._lines.append(now)
        if len(self._lines) > _LINES_PER_WINDOW:
            return
        if lost:
            details = {
                s.reason: s.detail for s in senses if isinstance(s, NoData) and s.name in lost
            }
            why = "; ".join(f"{r}: {d}" for r, d in details.items())
            _log.warning("%s: no value for %s (%s)", self._name, _list(sorted(lost)), why)
        if healed:
            _log.info("%s: values again for %s", self._name, _list(healed))
        if len(self._lines) == _LINES_PER_WINDOW:
            _log.warning("%s: comes and goes; no more lines about it for some minutes", self._name)


def _list(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
