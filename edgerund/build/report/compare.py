"""What is compared with what: the figures behind each stage, and what each technique gave and cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edgerund.build.report.model import Build, Entry
from edgerund.profile.dominance import FASTER_SHARE
from edgerund.profile.figures import Figures

Verdict: TypeAlias = Literal["pays", "smaller only", "does not pay", "more accurate"]
CONVERSIONS = ("export", "onnx")
SMALLER_SHARE = 0.05
MORE_ACCURATE = 0.001
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Step:
    """One technique applied once: the figures after it and before it."""

    entry: Entry
    parent: Entry
    after: Figures
    before: Figures
    accuracy: float | None

    @property
    def speedup(self) -> float | None:
        """How many times faster than before."""
        return speedup(self.before, self.after)

    @property
    def shrinkage(self) -> float | None:
        """Bytes of the file to those before."""
        return ratio(self.after.file_bytes, self.before.file_bytes)

    @property
    def robust(self) -> float | None:
        """Change of the mean accuracy under corruptions, over those measured of both."""
        shared = [k for k in self.after.robust if k in self.before.robust]
        if not shared:
            return None
        return sum(self.after.robust[k] - self.before.robust[k] for k in shared) / len(shared)

    @property
    def verdict(self) -> Verdict:
        """Whether it was worth it on this device, by the figures alone."""
        faster = self.speedup is not None and self.speedup > 1 + FASTER_SHARE
        smaller = self.shrinkage is not None and self.shrinkage < 1 - SMALLER_SHARE
        if faster:
            return "pays"
        if self.accuracy is not None and self.accuracy > MORE_ACCURATE:
            return "more accurate"
        return "smaller only" if smaller else "does not pay"


class Comparison:
    """Looks up the entries of a build by what they are made from."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self._by_stage = {entry.stage: entry for entry in build.entries}
        self._compared_with = {
            e.figures.agreement_with
            for e in build.entries
            if e.figures and e.figures.agreement_with
        }

    def figures_of(self, stage: str) -> Figures | None:
        """The stage's own figures, or those of the stage that only converted it."""
        entry = self._by_stage.get(stage)
        for _ in range(_DEEPEST):
            if entry is None or entry.figures is not None:
                return entry.figures if entry else None
            entry = next(
                (
                    e
                    for e in self.build.entries
                    if e.technique in CONVERSIONS and e.parents[:1] == (entry.stage,)
                ),
                None,
            )
        return None

    def accuracy(self, figures: Figures | None) -> float | None:
        """As measured; 1 for the one that all others are compared with where nobody knows the truth."""
        if figures is None or figures.accuracy is not None:
            return figures.accuracy if figures else None
        return 1.0 if figures.name in self._compared_with else None

    def step(self, entry: Entry) -> Step | None:
        """What this entry's technique changed; None where either side was not measured."""
        if entry.technique in CONVERSIONS or not entry.parents:
            return None
        changed = entry.parents[-1 if is_cascade(entry) else 0]
        parent = self._by_stage.get(changed)
        after, before = self.figures_of(entry.stage), self.figures_of(changed)
        if parent is None or after is None or before is None or after is before:
            return None
        if after.latency is None or before.latency is None:
            return None
        now, then = self.accuracy(after), self.accuracy(before)
        change = None if now is None or then is None else now - then
        return Step(entry, parent, after, before, change)

    def steps(self) -> list[Step]:
        """Of every entry that can be compared, in their order."""
        made = (self.step(entry) for entry in self.build.entries)
        return [step for step in made if step is not None]

    def baseline(self) -> Figures | None:
        """What "before" means."""
        return self.figures_of(self.build.baseline)

    def chosen(self) -> list[Entry]:
        """The variants, the most accurate first."""
        usable = [e for e in self.build.entries if e.chosen and e.figures and e.figures.latency]
        return sorted(usable, key=self._rank)

    def measured(self) -> list[Entry]:
        """Every entry with a latency, the most accurate first."""
        usable = [e for e in self.build.entries if e.figures and e.figures.latency]
        return sorted(usable, key=self._rank)

    def part_of(self, entry: Entry) -> list[Entry]:
        """The variants that were made from this entry, at any distance."""
        found = {entry.stage}
        for later in self.build.entries:  # parents come first
            if found.intersection(later.parents if is_cascade(later) else later.parents[:1]):
                found.add(later.stage)
        return [e for e in self.chosen() if e.stage in found and e is not entry]

    def _rank(self, entry: Entry) -> tuple[float, float]:
        return -(self.accuracy(entry.figures) or 0.0), latency_ms(entry.figures) or 0.0


def is_cascade(entry: Entry) -> bool:
    """Whether it joins its parents, cheap first, instead of changing the first; it is held against the last."""
    return entry.technique == "cascade"


def latency_ms(figures: Figures | None) -> float | None:
    """The one of the card: the median, of a cascade the mean."""
    return figures.latency.p50_ms if figures and figures.latency else None


def speedup(before: Figures | None, after: Figures | None) -> float | None:
    """How many times faster; from ratios formed round by round where both have them, which noise hardly moves."""
    then, now = (f.latency if f else None for f in (before, after))
    if then is None or now is None:
        return None
    if then.relative and now.relative:
        return then.relative / now.relative
    return ratio(then.p50_ms, now.p50_ms)


def robust_mean(figures: Figures | None) -> float | None:
    """Mean accuracy over all corruptions and severities that were measured."""
    if figures is None or not figures.robust:
        return None
    return sum(figures.robust.values()) / len(figures.robust)


def energy_mj(figures: Figures | None) -> float | None:
    """As measured; None for an estimate."""
    return figures.energy.mj if figures else None


def ratio(above: float | None, below: float | None) -> float | None:
    """None where either is missing or nothing."""
    return above / below if above and below else None


def middle(values: Sequence[float]) -> float | None:
    """The median; None for nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
