"""Everything that came of a build, in the form that a report is made of."""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import edgerund
from edgerund.build.assemble import Assembled
from edgerund.build.cards import dataset_name
from edgerund.build.keys import version
from edgerund.build.ladder_text import Candidate
from edgerund.build.plan import Plan, Stage
from edgerund.build.report import Build, Entry, write_report
from edgerund.build.run import Outcome

_TOOK_PART = ("numpy", "onnx", "onnxruntime", "torch", "optuna")


def report_of(
    plan: Plan, outcome: Outcome, made: Assembled, seed: int, command: str, folder: Path
) -> None:
    """Write ``report.html`` and ``report.md`` into ``folder``."""
    chosen = {c.stage for c in made.chosen}
    by_stage = {c.stage: c for c in made.candidates}
    entries = [
        _entry(s, outcome, by_stage.get(s.name), made, s.name in chosen) for s in plan.stages
    ]
    recipe = plan.recipe
    build = Build(
        name=recipe.recipe,
        task=recipe.ladder.task,
        entries=tuple(entries),
        baseline=plan.baseline,
        device=made.measured.device,
        versions=_versions(),
        dataset=dataset_name(recipe),
        made_at=made.measured.measured_at,
        seed=seed,
        command=command,
        notes=(*made.measured.notes, *_other_reasons(made)),
    )
    write_report(build, folder)


def _entry(
    stage: Stage, outcome: Outcome, candidate: Candidate | None, made: Assembled, chosen: bool
) -> Entry:
    entry = outcome.made.get(stage.name)
    figures = made.measured.of(candidate.name) if candidate else None
    failed = outcome.failed.get(stage.name) or (figures.failed if figures else None)
    facts: Mapping[str, Any] = entry.artifact.facts if entry else {}
    return Entry(
        stage=stage.name,
        technique=stage.use,
        parents=stage.parents,
        figures=figures,
        facts=facts,
        how=entry.artifact.how if entry else (),
        chosen=chosen,
        variant=candidate.name if candidate and chosen else "",
        dominated_by=None if chosen else _beaten_by(candidate, made),
        failed=failed,
        seconds=entry.took_s if entry and stage.name not in outcome.reused else None,
    )


def _beaten_by(candidate: Candidate | None, made: Assembled) -> str | None:
    """Who is better: of those that could enter the ladder, else of all that were measured."""
    if candidate is None:
        return None
    return made.beaten_by.get(candidate.name) or made.measured.of(candidate.name).dominated_by


def _other_reasons(made: Assembled) -> list[str]:
    """Why candidates that nobody beats are left out all the same."""
    return [
        f"Left out: {c.name}: {made.left_out[c.name]}."
        for c in made.candidates
        if c.wanted
        and c.name in made.left_out
        and c.name not in made.beaten_by
        and not made.measured.of(c.name).failed
    ]


def _versions() -> dict[str, str]:
    there = [n for n in _TOOK_PART if importlib.util.find_spec(n) is not None]
    found = {name: version(name) for name in there}
    return {"edgerund": edgerund.__version__, "python": platform.python_version(), **found}
