"""The state of one measurement: what is asked, what is known so far of each variant, and its processes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.checksum import file_sha256
from edgerund.clock import Clock
from edgerund.config.ladder_members import size_of
from edgerund.profile.accuracy import Examined
from edgerund.profile.agreement import METRICS
from edgerund.profile.chance import Pair, chances
from edgerund.profile.figures import Energy, Figures, Latency
from edgerund.profile.latency import Track
from edgerund.profile.samples import Samples
from edgerund.profile.settings import Settings
from edgerund.profile.subject import Subject
from edgerund.profile.subject_work import Loaded
from edgerund.types import LadderPlan, VariantPlan

Progress = Callable[[float, str], None]


@dataclass(slots=True)
class Found:
    """What is known of one variant so far."""

    variant: VariantPlan
    loads: list[Loaded] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    examined: Examined | None = None
    energy: Energy = Energy()
    failed: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> Subject | None:
        """The process that still lives, for accuracy and energy."""
        return self.tracks[0].subject if self.tracks and self.failed is None else None

    def fail(self, reason: str) -> None:
        """The first reason is the one that counts."""
        self.failed = self.failed or reason


@dataclass(slots=True)
class Run:
    """One measurement. ``found`` has one entry per variant, in the ladder's order.

    ``answers`` is where what variants say is kept for a later measurement; None: nowhere.
    """

    ladder: LadderPlan
    settings: Settings
    samples: Samples | None
    clock: Clock
    progress: Progress
    answers: Path | None = None
    found: dict[str, Found] = field(default_factory=dict)
    ratios: dict[tuple[int, str, str], float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    compared_with: str = ""
    robust_images: int = 0

    def subject(self, variant: VariantPlan, threads: int) -> Subject:
        """A process for one variant."""
        settings = self.settings
        return Subject(self.ladder, variant, threads, settings.timeout_s, settings.cpus)

    def chances(self) -> dict[Pair, float]:
        """Of every pair of variants whose answers were compared with labels."""
        told = {n: f.examined for n, f in self.found.items() if f.examined and f.failed is None}
        return chances({name: np.concatenate(e.right) for name, e in told.items() if e.right})

    def figures(self) -> list[Figures]:
        """Everything that was found, in the ladder's order."""
        return [_figures(self, found) for found in self.found.values()]


def _figures(run: Run, found: Found) -> Figures:
    variant, examined = found.variant, found.examined
    accuracy = examined.accuracy if examined else None
    shared = examined.agreement if examined else None
    path = Path(variant.file)
    return Figures(
        name=variant.name,
        backend=variant.backend,
        runtime=found.loads[0].runtime if found.loads else "",
        failed=found.failed,
        accuracy=accuracy,
        metric=METRICS[run.ladder.task] if accuracy is not None else "",
        images=len(run.samples) if run.samples and accuracy is not None else 0,
        dataset=run.samples.source if run.samples and accuracy is not None else "",
        agreement=shared,
        agreement_with=run.compared_with if shared is not None else "",
        robust=dict(examined.robust) if examined else {},
        robust_images=run.robust_images if examined and examined.robust else 0,
        latencies=tuple(found.latencies),
        load_ms=_middle([one.load_ms for one in found.loads]),
        warmup_ms=_middle([one.warmup_ms for one in found.loads]),
        memory_bytes=_whole([one.memory_bytes for one in found.loads]),
        peak_bytes=_whole([one.peak_bytes for one in found.loads]),
        energy=found.energy,
        file_bytes=size_of(path),
        sha256=file_sha256(path),
        extra=found.extra,
    )


def _middle(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _whole(values: Sequence[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return int(statistics.median(known)) if known else None
