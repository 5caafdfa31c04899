"""The shadow: some frames that were answered also run on another variant, and what both say is compared.

The serving thread only picks frames (``Sampler``), the loader's thread runs them (``compare``), and the agent lends
it the engine for that (``Lending``): an engine is never used by two threads at once, and no request waits.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable

from edgerund.serve.agreement import in_common
from edgerund.serve.live import Live
from edgerund.serve.mail import Beside, Compared, CompareJob, Sampled, TakeOver
from edgerund.types import LadderPlan
from edgerund.types import worker as w

NEVER_S = float("inf")
HANG_S = 10.0
"""No inference takes so long."""


class Sampler:
    """Picks frames at random, so that no camera and no rhythm is preferred: used by the serving thread alone."""

    def __init__(
        self,
        terms: Beside,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._share, self._least_s = terms.share, 1.0 / terms.max_per_s
        self._clock, self._chance = clock, chance
        self._next_s = -NEVER_S
        self._skip = self._draw()

    def wants(self) -> bool:
        """Whether this frame, just answered, is one of the sample. Counting down costs next to nothing."""
        if self._skip > 0:
            self._skip -= 1
            return False
        now_s = self._clock()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._least_s
        self._skip = self._draw()
        return True

    def _draw(self) -> int:
        """Frames to pass over until the next one: geometric, as if each had been drawn by itself."""
        if self._share >= 1.0:
            return 0
        return int(math.log(1.0 - self._chance()) / math.log(1.0 - self._share))


class Lending:
    """The agent's part: which variant runs beside, whether it is lent out now, and what came of it."""

    def __init__(self, ladder: LadderPlan) -> None:
        self._best = ladder.variants[0].name
        self.wish = w.Beside()
        self.lent = ""
        self._lent_s = 0.0
        self._about = ""
        self._frames, self._agreed = 0, 0.0

    def measured(self, sampled: Sampled) -> str:
        """Whose agreement with the best variant this frame would tell; empty if nobody's."""
        pair = {sampled.reply.variant, self.wish.variant}
        if len(pair) != 2 or self._best not in pair or "" in pair:
            return ""
        return next(name for name in pair if name != self._best)

    def lend(self, name: str, now_s: float) -> None:
        """The loader's thread has the engine now."""
        self.lent, self._lent_s = name, now_s

    def stuck(self, now_s: float) -> bool:
        """The engine does not come back: it hangs, and nothing but the end of the process frees it."""
        return bool(self.lent) and now_s - self._lent_s > HANG_S

    def came_back(self, news: Compared) -> None:
        """The engine is free again."""
        self.lent = ""
        if news.in_common is None:
            return
        if news.about != self._about:
            self._about, self._frames, self._agreed = news.about, 0, 0.0
        self._frames += 1
        self._agreed += news.in_common

    def take(self) -> dict[str, object]:
        """What was seen since the last call, as fields of ``ServingFigures``."""
        seen: dict[str, object] = {
            "shadow": self._about or None,
            "shadowed": self._frames,
            "agreed": self._agreed,
        }
        self._about, self._frames, self._agreed = "", 0, 0.0
        return seen


def compare(ladder: LadderPlan, job: CompareJob) -> Compared:
    """Run the frame on the lent engine; a failure says nothing about agreement, and condemns nobody."""
    beside = Live(ladder, TakeOver(job.resident), time.monotonic)
    try:
        other, _stages = beside.answer(job.request, time.monotonic(), NEVER_S)
        found = in_common(ladder, job.reply, other)
    except Exception as e:  # noqa: BLE001 - frames and plug-ins fail in any way; this one was answered already
        return Compared(job.about, None, f"{type(e).__name__}: {e}")
    return Compared(job.about, found)
