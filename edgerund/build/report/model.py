"""What a report is made of: one entry per stage of the build, and what is said of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgerund.profile.figures import Figures


@dataclass(frozen=True, slots=True)
class Entry:
    """One stage of the build: a candidate, a step on the way to one, or an attempt that failed.

    Give every stage, also those that are not measured themselves (a torch model): what a technique gave and cost
    is the difference of its figures to those of ``parents[0]``, and a stage without figures takes those of the stage
    that exported it (``technique`` ``export``).

    Attributes:
        stage: the stage's name in the recipe, unique.
        technique: the name that the recipe used (``int8``, ``prune`` ...).
        parents: names of the stages that it was made from; the first is what was changed.
        figures: measured, as ``profile.measure`` gives them; None where the stage was not measured.
        facts: the artifact's facts. Read by the report where present: ``sensitivity``, a list of
            ``{"layer": str, "accuracy": float}`` and/or ``{"drop": float}`` (mixed precision); ``params``, ``macs``
            (numbers of the network). Everything else is listed as it is.
        how: sentences, from the first stage to this one.
        chosen: whether it became a variant.
        variant: the name in the ladder, if it became one; ``stage`` otherwise.
        dominated_by: the stage or variant that is better in everything.
        failed: one sentence if the stage, or measuring it, failed.
        seconds: how long making it took, None if it came from the store.
    """

    stage: str
    technique: str
    parents: tuple[str, ...] = ()
    figures: Figures | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    how: tuple[str, ...] = ()
    chosen: bool = False
    variant: str = ""
    dominated_by: str | None = None
    failed: str | None = None
    seconds: float | None = None

    @property
    def title(self) -> str:
        """The name that people see."""
        return self.variant or self.stage


@dataclass(frozen=True, slots=True)
class Build:
    """Everything that a report says.

    Attributes:
        name: the ladder's name.
        task: the ladder's task.
        entries: in the order of the plan.
        baseline: the stage that "before" means.
        device: the computer on which the figures were measured.
        versions: names and versions of what took part (edgerund, onnxruntime, torch, python ...).
        dataset: what accuracy was counted on, for people.
        made_at: when, as people write it.
        seed: of the build.
        command: how it was started, for whoever wants to repeat it.
        notes: sentences about the build or the measuring that a reader must know.
    """

    name: str
    task: str
    entries: tuple[Entry, ...]
    baseline: str
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    dataset: str = ""
    made_at: str = ""
    seed: int | None = None
    command: str = ""
    notes: tuple[str, ...] = ()

    def entry(self, stage: str) -> Entry:
        """The entry of a stage, or of the variant of that name; KeyError if there is none."""
        for entry in self.entries:
            if stage in (entry.stage, entry.title):
                return entry
        raise KeyError(stage)
