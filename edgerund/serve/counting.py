"""What engines count themselves while they are live: a cascade's escalated frames, above all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from edgerund.ports import Counting, Engine

FRAMES, ESCALATED = "frames", "escalated_1"


class EngineCounts:
    """Owned by the serving thread: totals per variant since the worker's start.

    Only what happens while an engine is live counts: neither the golden question before, nor what it is asked on
    the side. An engine without counters costs nothing.
    """

    def __init__(self) -> None:
        self._totals: dict[str, Counter[str]] = {}
        self._name = ""
        self._engine: Counting | None = None
        self._before: Mapping[str, int] = {}
        self._window: Counter[str] = Counter()

    def change(self, name: str, engine: Engine | None) -> None:
        """Another engine answers from now on, or none."""
        self._look()
        self._window = Counter()
        self._name = name
        self._engine = engine if isinstance(engine, Counting) else None
        self._before = {} if self._engine is None else dict(self._engine.counters())

    def totals(self) -> dict[str, dict[str, int]]:
        """Counts per variant, by name."""
        self._look()
        return {name: dict(counts) for name, counts in self._totals.items()}

    def take_escalated(self) -> float | None:
        """Share (0..1) of the frames since the last call that a cascade handed on; None where none answered."""
        self._look()
        window, self._window = self._window, Counter()
        if ESCALATED not in window or not window[FRAMES]:
            return None
        return min(1.0, window[ESCALATED] / window[FRAMES])

    def _look(self) -> None:
        if self._engine is None:
            return
        now = dict(self._engine.counters())
        totals = self._totals.setdefault(self._name, Counter())
        for name, count in now.items():
            grown = count - self._before.get(name, 0)
            totals[name] += grown
            self._window[name] += grown
        self._before = now
