"""Which candidates become variants, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgerund.build.ladder_text import Candidate
from edgerund.build.plan import Plan
from edgerund.errors import BuildError
from edgerund.profile.chance import level
from edgerund.profile.dominance import FASTER_SHARE, MEMORY_STEP_BYTES, mark_dominated
from edgerund.profile.figures import Figures, Measured

ENOUGH_IMAGES = 1000
"""On fewer, that a compressed file answers as well as the one it was made of may be chance."""
MOST_LOSS = 0.0025
"""A loss of accuracy that a user would notice is one, however few images were there to prove it."""
SAME_MEMORY_BYTES = 2 * MEMORY_STEP_BYTES
"""Two measurements of one file may lie a step apart to either side."""
_SAME_SIZE = 1.01


@dataclass
class Choosing:
    """One choice among candidates that were measured side by side."""

    plan: Plan
    candidates: Sequence[Candidate]
    measured: Measured
    keep_dominated: bool = False
    left_out: dict[str, str] = field(default_factory=dict)
    beaten_by: dict[str, str] = field(default_factory=dict)

    def run(self) -> list[Candidate]:
        """The variants, best first; ``left_out`` says why the others are none, ``beaten_by`` names who is better.

        Raises:
            BuildError: not one can be used.
        """
        chosen = [c for c in self.candidates if self._usable(c)]
        if not self.keep_dominated:
            reference = self._reference(chosen)
            chosen = self._without_twins(chosen, reference)
            chosen = self._undominated(chosen, reference)
        if not chosen:
            said = "; ".join(f"{name}: {why}" for name, why in self.left_out.items())
            raise BuildError(f"cannot make a ladder: no candidate can be used: {said}")
        return sorted(chosen, key=lambda c: _order(self._figures(c)))

    def _figures(self, candidate: Candidate) -> Figures:
        return self.measured.of(candidate.name)

    def _usable(self, candidate: Candidate) -> bool:
        figures = self._figures(candidate)
        why = figures.failed or ("" if candidate.wanted else "the recipe does not choose it")
        least = self._least()
        if not why and least is not None and (figures.accuracy or 0.0) < least:
            share = self.plan.recipe.least_share
            why = f"{figures.accuracy:.1%} is less than {share:g} of the baseline's accuracy"
        if why:
            self.left_out[candidate.name] = why
        return not why

    def _least(self) -> float | None:
        base = [c for c in self.candidates if c.stage == self.plan.baseline]
        accuracy = self._figures(base[0]).accuracy if base else None
        return None if accuracy is None else accuracy * self.plan.recipe.least_share

    def _reference(self, usable: Sequence[Candidate]) -> str:
        """Where too few images were looked at, the baseline stays, or its FP16 form if that answers the same."""
        base = next((c for c in usable if c.stage == self.plan.baseline), None)
        if base is None or self._figures(base).images >= ENOUGH_IMAGES:
            return ""
        accuracy = self._figures(base).accuracy
        for candidate in usable:
            stage = self.plan.stage(candidate.stage)
            told = self._figures(candidate)
            same = told.accuracy == accuracy and told.agreement in (None, 1.0)
            if same and (stage.use, stage.parents) == ("fp16", (base.stage,)):
                return candidate.name
        return base.name

    def _undominated(self, chosen: Sequence[Candidate], reference: str) -> list[Candidate]:
        """Dominance among those that could enter the ladder, not among all that were measured."""
        marked = mark_dominated([self._figures(c) for c in chosen], chances=self.measured.chances)
        kept = []
        for candidate, figures in zip(chosen, marked, strict=True):
            if figures.dominated_by and candidate.name != reference:
                self.beaten_by[candidate.name] = figures.dominated_by
                self.left_out[candidate.name] = f"{figures.dominated_by} is better in everything"
            else:
                kept.append(candidate)
        return kept

    def _without_twins(self, chosen: Sequence[Candidate], reference: str) -> list[Candidate]:
        """Of those that do the same at the same cost within noise, the smallest file stays, then the best, the first.

        It comes before dominance: else the larger file would win by a difference that is none.
        """

        def rank(candidate: Candidate) -> tuple[bool, int, float]:
            figures = self._figures(candidate)
            size = figures.file_bytes or 0
            return candidate.name != reference, size, -(figures.accuracy or 0.0)

        kept: list[Candidate] = []
        for candidate in sorted(chosen, key=rank):
            own = self._figures(candidate)
            other = next((k for k in kept if self._serves_as_well(self._figures(k), own)), None)
            if other is None:
                kept.append(candidate)
            else:
                self.beaten_by[candidate.name] = other.name
                self.left_out[candidate.name] = f"{other.name} does the same at no more cost"
        return kept

    def _serves_as_well(self, one: Figures, other: Figures) -> bool:
        """``one`` is as accurate and quick as ``other``, as small in memory within noise, and no larger a file."""
        if one.latency is None or other.latency is None:
            return False
        mine, its = one.latency.relative, other.latency.relative
        if mine is None or its is None:  # ratios are surer
            mine, its = one.latency.p50_ms, other.latency.p50_ms
        pairs = [
            (mine, its * (1 + FASTER_SHARE)),
            (its, mine * (1 + FASTER_SHARE)),  # a quicker one is no twin: see dominance
            (one.memory_bytes or 0, (other.memory_bytes or 0) * _SAME_SIZE + SAME_MEMORY_BYTES),
            (one.file_bytes or 0, (other.file_bytes or 0) * _SAME_SIZE),
        ]
        if one.backend == "cascade":  # no slower in the mean, and as quick where a frame is hard
            pairs.append((one.latency.p99_ms, other.latency.p99_ms * (1 + FASTER_SHARE)))
        return self._as_accurate(one, other) and all(a <= b for a, b in pairs)

    def _as_accurate(self, one: Figures, other: Figures) -> bool:
        """Not worse, or on enough images so little that it may be chance."""
        loss = (other.accuracy or 0.0) - (one.accuracy or 0.0)
        if loss <= 0:
            return True
        enough = min(one.images, other.images) >= ENOUGH_IMAGES
        return enough and loss <= MOST_LOSS and level(self.measured.chances, one.name, other.name)


def _order(figures: Figures) -> tuple[float, float]:
    """Best first: by accuracy, then the slower one, which costs more for the same."""
    latency = figures.latency.p50_ms if figures.latency else 0.0
    return (-(figures.accuracy or 0.0), -latency)


def notes_of(measured: Measured, classes: int | None) -> list[str]:
    """What a reader of the figures must know."""
    base = next((f for f in measured.figures if f.accuracy is not None), None)
    if base is None:
        return []
    notes = []
    if base.images < ENOUGH_IMAGES:
        notes.append(
            f"Accuracy was counted on {base.images} images: one of them is {1 / max(1, base.images):.1%}, and what "
            f"is less than {(0.25 / max(1, base.images)) ** 0.5 * 1.96:.0%} apart may be chance."
        )
    if classes and base.metric == "top1" and (base.accuracy or 0.0) < min(0.5, 3 / classes):
        notes.append(
            f"The model that all began with names only {base.accuracy:.1%} of the images rightly: are the order of "
            "labels, scale and colour in the recipe right?"
        )
    return notes
