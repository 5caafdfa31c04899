"""Figures for candidates, by ``edgerund.profile``, and the cards of those that become variants."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from edgerund.build.ladder_text import Candidate
from edgerund.build.plan import Plan
from edgerund.build.recipe import Recipe, is_function
from edgerund.build.technique import Images
from edgerund.profile.cards import card_of, write_card
from edgerund.profile.figures import Figures, Measured
from edgerund.profile.measure import measure
from edgerund.profile.samples import Samples, samples_of_inputs
from edgerund.profile.settings import Settings
from edgerund.types import LadderPlan

_QUICK_S = 2.0


@dataclass(frozen=True)
class Judged:
    """What candidates are judged on. ``answers``: where what they say is kept, should the build be killed."""

    plan: Plan
    images: Images
    seconds: float | None = None
    quick: bool = False
    jobs: int = 1
    answers: Path | None = None

    def measure(self, ladder: LadderPlan, progress: Callable[[float, str], None]) -> Measured:
        """The figures of every candidate; where nobody labelled the images, accuracy is agreement and says so."""
        wanted = self.plan.recipe.measure
        settings = Settings(
            threads=(wanted.threads,), loads=wanted.loads, robust=wanted.robust, jobs=self.jobs
        )
        seconds = self.seconds or wanted.seconds
        if self.quick:
            settings = replace(settings, loads=1, robust=False, seconds=self.seconds or _QUICK_S)
        elif seconds is not None:
            settings = replace(settings, seconds=seconds)
        elif wanted.rounds is not None:
            settings = replace(settings, rounds=wanted.rounds)
        samples = self._samples(ladder)
        measured = measure(
            ladder, settings, samples=samples, answers=self.answers, progress=progress
        )
        compared = {f.agreement_with for f in measured.figures if f.agreement is not None}
        return replace(
            measured, figures=tuple(self._judged(f, f.name in compared) for f in measured.figures)
        )

    def _samples(self, ladder: LadderPlan) -> Samples:
        names = list(self.images.inputs)
        if len(names) > 1:
            names = _input_names(Path(ladder.variants[0].file))
        arrays = [self.images.inputs[name] for name in names]
        source = dataset_name(self.plan.recipe)
        return samples_of_inputs(arrays, self.images.labels, ladder.variants[0].input, source)

    def _judged(self, figures: Figures, compared: bool) -> Figures:
        """What the others are compared with agrees with itself."""
        agreement = 1.0 if compared else figures.agreement
        if figures.accuracy is not None or agreement is None:
            return figures
        other = "itself" if compared else figures.agreement_with
        return replace(
            figures,
            accuracy=agreement,
            metric=f"agreement with {other}; the images have no labels",
            images=len(self.images),
            dataset=dataset_name(self.plan.recipe),
        )


def dataset_name(recipe: Recipe) -> str:
    """What accuracy is counted on, for people."""
    if recipe.dataset is not None:
        return recipe.dataset
    if isinstance(recipe.data, str):
        name = recipe.data if is_function(recipe.data) else Path(recipe.data).name
        return (
            f"images of {name}" if is_function(name) else f"{name}, images held out of calibration"
        )
    if recipe.data.test or recipe.data.validation:
        return Path(recipe.data.test or recipe.data.validation or "").name
    return f"{Path(recipe.data.calibration).name}, images held out of calibration"


def _input_names(model: Path) -> list[str]:
    """The network's inputs in its own order."""
    from edgerund.build.made_up import open_model

    engine = open_model(model)
    try:
        return [tensor.name for tensor in engine.spec.inputs]
    finally:
        engine.close()


@dataclass(frozen=True)
class CardWriter:
    """Writes a candidate's card: the figures, and how it was made."""

    measured: Measured
    made_by: str
    names: Collection[str]
    """Of the variants of the ladder: being beaten by anything else is no concern of a card."""

    def __call__(self, file: Path, candidate: Candidate, figures: Figures) -> None:
        made = candidate.entry.artifact
        if figures.dominated_by not in self.names:
            figures = replace(figures, dominated_by=None)
        card = card_of(figures, self.measured, how=made.how, made_by=self.made_by, facts=made.facts)
        write_card(file, card)
