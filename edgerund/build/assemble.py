"""From finished stages to a ladder: measured side by side, dominated ones left out, checked, put in place at once."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgerund.build.cascade.files import lay_out_cascade
from edgerund.build.ladder_text import (
    GOLDEN_FILE,
    LABELS_FILE,
    Candidate,
    ladder_text,
    member_keys,
)
from edgerund.build.plan import MODELS, Plan
from edgerund.build.recipe import Choice
from edgerund.build.run import Outcome
from edgerund.build.technique import Images
from edgerund.checksum import file_sha256
from edgerund.config.ladder import LADDER_FILE, RESERVED_NAMES, load_ladder, read_ladder
from edgerund.config.ladder_members import files_of
from edgerund.errors import BuildError, ConfigError, EdgerundError
from edgerund.profile.figures import Figures, Measured
from edgerund.serve.golden import Golden, ask, made_up_frame, write_golden
from edgerund.serve.loader import load_resident
from edgerund.types import LadderPlan

MOST_VARIANTS = 64


class Measure(Protocol):
    """Measures every variant of a ladder, side by side; the first one is the reference of agreement."""

    def __call__(self, plan: LadderPlan, images: Images) -> Measured: ...


class WriteCard(Protocol):
    """Writes the card of one variant."""

    def __call__(self, file: Path, candidate: Candidate, figures: Figures) -> None: ...


@dataclass(frozen=True)
class Assembled:
    """What came out: the variants best first, every candidate with its figures, and who was left out and why."""

    chosen: tuple[Candidate, ...]
    candidates: tuple[Candidate, ...]
    measured: Measured
    left_out: Mapping[str, str] = field(default_factory=dict)
    beaten_by: Mapping[str, str] = field(default_factory=dict)


def candidates_of(plan: Plan, outcome: Outcome) -> tuple[Candidate, ...]:
    """Every ONNX result and cascade, the baseline first; those that the recipe chooses are wanted.

    Raises:
        BuildError: nothing came out that could become a variant.
    """
    chosen = {c.stage: c for c in plan.choices}
    names = {c.name or c.stage for c in plan.choices}
    made = [n for n, e in outcome.made.items() if e.artifact.kind in MODELS]
    made.sort(key=lambda n: (n != plan.baseline, n not in chosen))
    found = [
        _candidate(c, c.name or c.stage, outcome, wanted=True)
        for c in plan.choices
        if c.stage in outcome.made
    ]
    for stage in made:
        if stage not in chosen:
            name = f"{stage}-stage" if stage in names else stage
            found.append(_candidate(Choice(stage=stage), name, outcome, wanted=False))
    found.sort(key=lambda c: made.index(c.stage))
    if not any(c.wanted for c in found):
        raise BuildError("cannot make a ladder: no stage that may become a variant was made")
    if len(found) > MOST_VARIANTS:
        found = [c for c in found if c.wanted or c.stage == plan.baseline][:MOST_VARIANTS]
    return tuple(found)


def _candidate(choice: Choice, name: str, outcome: Outcome, *, wanted: bool) -> Candidate:
    if name in RESERVED_NAMES:
        name += "-model"
    return Candidate(name, choice, outcome.made[choice.stage], wanted)


def lay_out(folder: Path, plan: Plan, candidates: Sequence[Candidate]) -> LadderPlan:
    """Every candidate as a variant of one ladder in ``folder``, without cards.

    Raises:
        ConfigError: what the recipe says of the ladder does not fit together.
    """
    there: dict[str, str] = {}
    for candidate in candidates:
        if not candidate.is_cascade:
            file = shutil.copyfile(candidate.entry.artifact.path, folder / candidate.file)
            there.setdefault(file_sha256(file), candidate.file)
    for candidate in candidates:
        if candidate.is_cascade:
            source, file = candidate.entry.artifact.path, folder / candidate.file
            lay_out_cascade(source, file, there, member_keys(plan.recipe))
    labels = plan.recipe.ladder.labels_file
    if labels is not None:
        shutil.copyfile(plan.folder / labels, folder / LABELS_FILE)
    text = ladder_text(plan.recipe, candidates, cards=False, golden=False)
    (folder / LADDER_FILE).write_text(text, encoding="utf-8")
    return load_ladder(folder)


def finish(
    folder: Path,
    plan: Plan,
    chosen: Sequence[Candidate],
    measured: Measured,
    write_card: WriteCard,
    example: Images,
) -> LadderPlan:
    """Only the chosen are left in ``folder``, with cards and golden answers; everything is loaded once more.

    Raises:
        BuildError: the ladder that came out would not be served.
    """
    kept = {f.name for c in chosen for f in files_of(folder / c.file)}
    for file in folder.iterdir():
        if file.name not in {*kept, LADDER_FILE, LABELS_FILE}:
            file.unlink()
    (folder / "cards").mkdir()
    for candidate in chosen:
        write_card(folder / candidate.card, candidate, measured.of(candidate.name))
    text = ladder_text(plan.recipe, chosen, cards=True, golden=True)
    (folder / LADDER_FILE).write_text(text, encoding="utf-8")
    reading = read_ladder(folder, hashes=True, golden=False)
    if reading.plan is None:
        raise BuildError(f"cannot use the ladder that came out: {ConfigError(reading.problems)}")
    _write_golden(reading.plan, folder / GOLDEN_FILE, example)
    ladder = load_ladder(folder)
    try:
        for variant in ladder.variants:
            load_resident(ladder, variant, threads=1).engine.close()
    except EdgerundError as e:
        raise BuildError(f"cannot use the ladder that came out: {e}") from e
    return ladder


def _write_golden(plan: LadderPlan, file: Path, example: Images) -> None:
    question: Golden | None = None
    answers: dict[str, Sequence[Any]] = {}
    bare = replace(plan, golden=None)
    for variant in plan.variants:
        resident = load_resident(bare, variant, threads=1)
        try:
            if question is None:
                question = (
                    Golden(frame=made_up_frame())
                    if variant.input is not None
                    else Golden(inputs=_one(example, [t.name for t in resident.engine.spec.inputs]))
                )
            answers[variant.name] = ask(question, resident.engine, resident.pipeline)
        finally:
            resident.engine.close()
    assert question is not None
    write_golden(file, question, answers)


def _one(images: Images, names: Sequence[str]) -> tuple[Any, ...]:
    """The first of the images, as a client would send it."""
    return tuple(np.ascontiguousarray(images.inputs[name][:1]) for name in names)
