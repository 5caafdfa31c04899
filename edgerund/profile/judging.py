"""Accuracy and energy of all variants, asked of the processes that the latencies were measured in."""

from __future__ import annotations

from edgerund.errors import EngineError
from edgerund.ports import SysRoot
from edgerund.profile.accuracy import Examined, examine, examine_robust
from edgerund.profile.answered import Answered, Answers, digest
from edgerund.profile.energy import estimate, measure_energy
from edgerund.profile.figures import Energy
from edgerund.profile.rail import Rail, open_rail
from edgerund.profile.samples import Samples
from edgerund.profile.state import Found, Run
from edgerund.types import GoldenPlan


def accuracies(run: Run, samples: Samples) -> None:
    """Accuracy, agreement, robust accuracy."""
    ladder, jobs = run.ladder, run.settings.jobs
    answers = None
    if run.answers is not None and ladder.task == "classify":
        answers = Answers(run.answers, ladder, run.settings.threads[0], digest(samples))
    examined = []
    for found in run.found.values():
        if found.subject is not None:
            found.examined = Examined(found.subject, _answered(run, found, answers))
            examined.append(found.examined)
    tolerance = ladder.golden.tolerance if ladder.golden else GoldenPlan("").tolerance
    before = _counters(run)
    run.compared_with = examine(ladder.task, examined, samples, tolerance, jobs, run.progress)
    _count_escalations(run, before)
    few = samples.take(run.settings.robust_images)
    if run.settings.robust and few.labels is not None and ladder.task == "classify":
        sides = [t.loaded.side for f in run.found.values() for t in f.tracks if t.loaded.side]
        run.robust_images = len(few) if len(few.frames) else 0
        settings = run.settings
        spoil = settings.corruptions, settings.severities
        examine_robust(examined, few, max(sides, default=None), spoil, jobs, run.progress)
    for found in run.found.values():
        if found.examined is not None and found.examined.failed is not None:
            found.fail(found.examined.failed)


def _answered(run: Run, found: Found, answers: Answers | None) -> Answered:
    """What it said before; nothing of a cascade, whose escalations are to be counted."""
    loaded = found.tracks[0].loaded
    if answers is None or loaded.varies:
        return Answered()
    try:
        return answers.of(found.variant, loaded.runtime)
    except OSError as e:
        run.notes.append(f"answers are not kept for another time: {e}")
        return Answered()


def _counters(run: Run) -> dict[str, dict[str, int]]:
    told = {}
    for name, found in run.found.items():
        if found.subject is not None and found.tracks[0].loaded.varies:
            try:
                told[name] = found.subject.counters()
            except EngineError as e:
                found.fail(str(e))
    return told


def _count_escalations(run: Run, before: dict[str, dict[str, int]]) -> None:
    for name, after in _counters(run).items():
        frames = after.get("frames", 0) - before.get(name, {}).get("frames", 0)
        if frames:
            run.found[name].extra |= {
                key: round((count - before[name].get(key, 0)) / frames, 4)
                for key, count in after.items()
                if key != "frames"
            }


def energies(run: Run, root: SysRoot) -> None:
    """From the rail where there is one, and an estimate for all."""
    if run.settings.energy_seconds > 0:
        with open_rail(root, run.clock, run.settings.total_rails) as rail:
            for found in run.found.values():
                _energy(run, found, rail)
    for found in run.found.values():
        if found.latencies:
            cpu_ms = found.latencies[0].cpu_ms
            found.energy = estimate(found.energy, cpu_ms, run.settings.watts_per_core)


def _energy(run: Run, found: Found, rail: Rail | str) -> None:
    if isinstance(rail, str):
        found.energy = Energy(reason=rail)
    elif found.subject is not None:
        seconds = run.settings.energy_seconds
        try:
            found.energy = measure_energy(found.subject, rail, seconds, run.clock, run.progress)
        except EngineError as e:
            found.fail(str(e))
