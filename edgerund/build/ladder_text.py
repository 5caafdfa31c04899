"""The text of the ladder that a build gives: what the recipe says of it, and its variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from edgerund.build.recipe import Choice, Recipe
from edgerund.build.store import Entry

GOLDEN_FILE = "golden.npz"
LABELS_FILE = "labels.txt"
MEMBER_BACKEND, CASCADE_BACKEND = "onnxruntime", "cascade"


@dataclass(frozen=True)
class Candidate:
    """A stage's result that may become a variant. ``wanted`` is False for one that is only measured."""

    name: str
    choice: Choice
    entry: Entry
    wanted: bool = True

    @property
    def stage(self) -> str:
        """Whose result it is."""
        return self.choice.stage

    @property
    def is_cascade(self) -> bool:
        """Whether its file names members that are files of their own."""
        return self.entry.artifact.kind == "cascade"

    @property
    def file(self) -> str:
        """Its file in the ladder's folder."""
        return f"{self.name}{self.entry.artifact.path.suffix}"

    @property
    def card(self) -> str:
        """Its card in the ladder's folder."""
        return f"cards/{self.name}.yaml"


def ladder_text(
    recipe: Recipe, candidates: Sequence[Candidate], *, cards: bool, golden: bool
) -> str:
    """``ladder.yaml``, best first as they come."""
    head = recipe.ladder
    told: dict[str, Any] = {"ladder": recipe.recipe, "task": head.task}
    if head.labels is not None:
        told["labels"] = list(head.labels)
    if head.labels_file is not None:
        told["labels_file"] = LABELS_FILE
    for key in ("top_k", "max_pixels", "max_bytes"):
        if getattr(head, key) is not None:
            told[key] = getattr(head, key)
    if golden:
        told["golden"] = {"file": GOLDEN_FILE, "tolerance": head.tolerance}
    defaults = head.defaults.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    if defaults:
        told["defaults"] = defaults
    if head.defaults.options and any(c.is_cascade for c in candidates):
        told["defaults"].setdefault("backend", MEMBER_BACKEND)  # whose options they are
    told["variants"] = [_variant(recipe, c, cards) for c in candidates]
    # leaves on one line, everything else on lines of its own
    text: str = yaml.safe_dump(
        told, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110
    )
    return f"# Made by `edgerund build`; see report.md. The form is in docs/ladder.md.\n{text}"


def member_keys(recipe: Recipe) -> dict[str, Any]:
    """What the ladder's defaults say of the members of a cascade."""
    defaults = recipe.ladder.defaults
    told: dict[str, Any] = {"backend": defaults.backend} if defaults.backend else {}
    return {**told, "options": dict(defaults.options)} if defaults.options else told


def _variant(recipe: Recipe, candidate: Candidate, cards: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"name": candidate.name, "file": candidate.file}
    choice = candidate.choice.model_dump(
        mode="json",
        exclude_unset=True,
        exclude_none=True,
        include={"backend", "input", "output", "options"},
    )
    told |= {k: v for k, v in choice.items() if v}
    if candidate.is_cascade and (recipe.ladder.defaults.backend or recipe.ladder.defaults.options):
        told.setdefault("backend", CASCADE_BACKEND)
    if cards:
        told["card"] = candidate.card
    return told
