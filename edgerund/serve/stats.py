"""What the serving thread counts: outcomes for ever, stage times in buckets, samples of the present window."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from edgerund.types.worker import BUCKETS_MS

STAGES = ("queue", "prepare", "infer", "finish", "total")
MAX_SAMPLES = 1024
"""Samples of one window; more would only cost memory, the window is a second or two."""


class Histogram:
    """Counts per bucket and the sum, in ms."""

    __slots__ = ("counts", "sum_ms")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_MS) + 1)
        self.sum_ms = 0.0

    def add(self, value_ms: float) -> None:
        """Count one value."""
        self.counts[bisect_left(BUCKETS_MS, value_ms)] += 1
        self.sum_ms += value_ms


@dataclass(slots=True)
class Window:
    """Samples since the previous report. Handed over whole, so that the reader may sort it at leisure."""

    since_s: float
    total_ms: list[float] = field(default_factory=list)
    infer_ms: list[float] = field(default_factory=list)
    answered: int = 0
    failed: int = 0
    refused: int = 0
    deadline_ms: float | None = None
    accuracy_asked: float | None = None

    def figures(self, now_s: float, variant: str, queue_depth: int) -> dict[str, Any]:
        """The fields of ``types.ServingFigures``."""
        figures: dict[str, Any] = {
            "variant": variant or None,
            "window_s": round(now_s - self.since_s, 6),
            "answered": self.answered,
            "failed": self.failed,
            "refused": self.refused,
            "queue_depth": queue_depth,
            "deadline_ms": self.deadline_ms,
            "accuracy_asked": self.accuracy_asked,
        }
        if self.total_ms:
            total, infer = sorted(self.total_ms), sorted(self.infer_ms)
            figures |= {
                "latency_ms_mean": sum(total) / len(total),
                "latency_ms_p50": percentile(total, 0.50),
                "latency_ms_p95": percentile(total, 0.95),
                "latency_ms_p99": percentile(total, 0.99),
                "infer_ms_mean": sum(infer) / len(infer),
                "infer_ms_p50": percentile(infer, 0.50),
                "infer_ms_p99": percentile(infer, 0.99),
            }
        return figures


class Stats:
    """Owned by the serving thread; ``take`` gives the window away and begins a new one."""

    def __init__(self, now_s: float) -> None:
        self.outcomes: Counter[str] = Counter()
        self.answered_by: Counter[str] = Counter()
        self.histograms = {stage: Histogram() for stage in STAGES}
        self.window = Window(now_s)

    def asked(self, deadline_ms: float | None, accuracy: float | None = None) -> None:
        """One request that is queued; tightest deadline and highest accuracy of the window are kept."""
        if accuracy is not None:
            self.window.accuracy_asked = max(accuracy, self.window.accuracy_asked or 0.0)
        if deadline_ms is not None:
            known = self.window.deadline_ms
            self.window.deadline_ms = deadline_ms if known is None else min(known, deadline_ms)

    def answered(
        self,
        variant: str,
        stages_ms: tuple[float, float, float, float, float],
        *,
        sample: bool = True,
    ) -> None:
        """One good reply with its stage times, in the order of ``STAGES``; ``sample`` feeds the window too."""
        self.outcomes["ok"] += 1
        self.answered_by[variant] += 1
        for stage, value_ms in zip(STAGES, stages_ms, strict=True):
            self.histograms[stage].add(value_ms)
        window = self.window
        window.answered += 1
        if sample and len(window.total_ms) < MAX_SAMPLES:
            window.total_ms.append(stages_ms[4])
            window.infer_ms.append(stages_ms[2])

    def refused(self, code: str) -> None:
        """One error reply that is the client's doing or the queue's."""
        self.outcomes[code] += 1
        self.window.refused += 1

    def failed(self, code: str) -> None:
        """One error reply that is the engine's doing."""
        self.outcomes[code] += 1
        self.window.failed += 1

    def dropped(self, name: str) -> None:
        """One message that nobody can be answered for."""
        self.outcomes[name] += 1

    def forget_samples(self) -> None:
        """A swap: figures of the previous variant must not be taken for those of the new one."""
        self.window.total_ms.clear()
        self.window.infer_ms.clear()

    def take(self, now_s: float) -> Window:
        """The window so far; a new one begins."""
        window, self.window = self.window, Window(now_s)
        return window


def percentile(ordered: list[float], share: float) -> float:
    """Nearest-rank percentile of a sorted, non-empty list; ``share`` is 0..1."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
