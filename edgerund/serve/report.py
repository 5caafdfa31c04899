"""What a worker knows of its serving, as one report: counted in the serving thread, told by the agent's."""

from __future__ import annotations

import time
from collections.abc import Mapping

from edgerund.serve.counting import EngineCounts
from edgerund.serve.loader import resident_bytes
from edgerund.serve.mail import Figures
from edgerund.serve.stats import Stats
from edgerund.types import worker as w


def figures(
    seq: int, variant: str, queue_depth: int, now_s: float, stats: Stats, counts: EngineCounts
) -> Figures:
    """The answer to a probe: copies, except the window, which changes hands. Called in the serving thread."""
    return Figures(
        seq=seq,
        variant=variant,
        now_s=now_s,
        queue_depth=queue_depth,
        window=stats.take(now_s),
        outcomes=dict(stats.outcomes),
        answered_by=dict(stats.answered_by),
        histograms={
            k: {"counts": list(h.counts), "sum_ms": h.sum_ms} for k, h in stats.histograms.items()
        },
        counters=counts.totals(),
        escalated=counts.take_escalated(),
    )


def report(
    f: Figures, loading: str, shadow: Mapping[str, object], *, loader_alive: bool
) -> w.Report:
    """What the supervisor hears; sorting the window's samples is done here, not in the serving thread."""
    return w.Report(
        seq=f.seq,
        live=f.variant,
        figures={
            **f.window.figures(f.now_s, f.variant, f.queue_depth),
            "escalated": f.escalated,
            **shadow,
        },
        outcomes=f.outcomes,
        answered_by=f.answered_by,
        histograms=f.histograms,
        rss_bytes=resident_bytes(),
        cpu_s=time.process_time(),
        loading=loading,
        loader_alive=loader_alive,
        counters=f.counters,
    )
