"""Whether failures in a row are the frames' doing or the engine's: the golden question tells."""

from __future__ import annotations

from edgerund.serve.golden import check_golden
from edgerund.serve.mail import Resident
from edgerund.types import LadderPlan

FAILURES_BEFORE_GOLDEN = 3
"""Failures in a row after which the live engine is asked the golden question: is it the frames, or it?"""


class Suspicion:
    """Counts the live engine's failures; used between two inferences, by the thread that runs it."""

    def __init__(self, ladder: LadderPlan) -> None:
        self._ladder = ladder
        self._in_a_row = 0

    def forget(self) -> None:
        """It answered, or another one took over."""
        self._in_a_row = 0

    def failed(self, live: Resident) -> str:
        """One more failure; what was wrong with the golden answer, "" where it was right or not yet asked for."""
        self._in_a_row += 1
        if self._in_a_row < FAILURES_BEFORE_GOLDEN:
            return ""
        self._in_a_row = 0
        try:
            return check_golden(self._ladder, live.plan, live.engine, live.pipeline) or ""
        except Exception as e:  # noqa: BLE001 - a plug-in's mistake is a wrong answer too
            return f"{type(e).__name__}: {e}"
