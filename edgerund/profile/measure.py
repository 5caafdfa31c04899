"""Measures all variants of a ladder on this device: loading, latency, accuracy, robustness, energy, in this order."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

from edgerund.clock import Clock, SystemClock
from edgerund.ports import SysRoot
from edgerund.profile.device import describe_device
from edgerund.profile.dominance import mark_dominated
from edgerund.profile.figures import Measured
from edgerund.profile.judging import accuracies, energies
from edgerund.profile.samples import Samples
from edgerund.profile.settings import Settings
from edgerund.profile.state import Found, Progress, Run
from edgerund.profile.timing import latencies, load_afresh
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import LadderPlan


def measure(
    ladder: LadderPlan,
    settings: Settings | None = None,
    *,
    samples: Samples | None = None,
    device: str = "",
    root: SysRoot | None = None,
    clock: Clock | None = None,
    answers: Path | None = None,
    progress: Progress = lambda _share, _text: None,
) -> Measured:
    """Measure every variant of ``ladder``, each in a process of its own.

    Args:
        ladder: as ``config.ladder.load_ladder`` gives it. A golden file is compared with, as the daemon does.
        settings: how much, for how long.
        samples: what accuracy, agreement and robustness are counted on, and what the bursts run on; None: none of
            these, and the bursts run on the golden input (or a made-up one).
        device: for people; default: what this machine says of itself.
        root: where the machine's power rails are.
        clock: real time.
        answers: a folder in which what classifiers say to the samples is kept, and found again by a later measurement
            of the same file on the same samples. None: everything is asked.
        progress: called with (share of the present step, one sentence).

    Returns:
        The figures of every variant. One that crashed, hung or gave wrong answers says so in ``failed``.

    Raises:
        UsageError: settings that make no sense.
    """
    settings = settings or Settings()
    settings.check()
    root, clock = root or FileRoot(), clock or SystemClock()
    start_s = clock.monotonic_s()
    found = {v.name: Found(v) for v in ladder.variants}
    run = Run(ladder, settings, samples, clock, progress, answers, found)
    load_afresh(run)
    with ExitStack() as opened:
        for number, threads in enumerate(settings.threads):
            latencies(run, threads, opened, keep=number == 0)
        if samples is not None and len(samples):
            accuracies(run, samples)
        energies(run, root)
    known = {v.name: v.card.accuracy for v in ladder.variants if v.card.accuracy is not None}
    chances = run.chances()
    return Measured(
        ladder=ladder.name,
        device=device or describe_device(root),
        figures=mark_dominated(run.figures(), known, chances),
        ratios=run.ratios,
        chances=chances,
        notes=tuple(run.notes),
        measured_at=datetime.fromtimestamp(clock.wall_s(), timezone.utc).isoformat("T", "minutes"),
        took_s=clock.monotonic_s() - start_s,
    )
