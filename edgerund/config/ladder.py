"""From ``ladder.yaml`` to a ``LadderPlan``: every mistake of a ladder is found, each with its file and line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from edgerund.config.card import CardFile
from edgerund.config.ladder_file import Common, GoldenFile, LadderFile, VariantFile, ladder_schema
from edgerund.config.ladder_folder import LadderFolder
from edgerund.config.ladder_members import CASCADE
from edgerund.config.ladder_merge import Merged, merge
from edgerund.config.ladder_rules import (
    Findings,
    check_backend,
    check_input,
    check_order,
    check_output,
)
from edgerund.config.source import Document, read_yaml, validate
from edgerund.errors import ConfigError, Problem
from edgerund.types import GoldenPlan, LadderPlan, VariantPlan

__all__ = ["LadderReading", "ladder_schema", "load_ladder", "read_ladder"]

LADDER_FILE = "ladder.yaml"
RESERVED_NAMES = ("frame", "input")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LadderReading:
    """What was found in a ladder: the plan if there is no mistake, the mistakes, and what is only odd.

    ``cards`` are the cards as written, one per variant of the plan.
    """

    file: Path
    plan: LadderPlan | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    cards: tuple[CardFile, ...] = ()


def load_ladder(path: Path, *, hashes: bool = False) -> LadderPlan:
    """The plan of the ladder in a folder, or of one ladder file.

    Args:
        path: the folder that holds ``ladder.yaml``, or that file itself.
        hashes: also read every model file and compare its SHA-256.

    Raises:
        ConfigError: every mistake, each with file and line.
    """
    reading = read_ladder(path, hashes=hashes)
    if reading.plan is None:
        raise ConfigError(reading.problems)
    return reading.plan


def read_ladder(path: Path, *, hashes: bool = False, golden: bool = True) -> LadderReading:
    """Like ``load_ladder``, but tells what it found instead of raising.

    ``golden=False`` leaves the golden file out, for the command that writes it.
    """
    file = path / LADDER_FILE if path.is_dir() else path
    try:
        document = read_yaml(file)
    except ConfigError as e:
        return LadderReading(file, None, e.problems)
    return _Reader(file, document, hashes, golden).read()


class _Reader:
    """Walks one document. Parts that are well formed are checked even where others are not."""

    def __init__(self, file: Path, document: Document, hashes: bool, golden: bool) -> None:
        self.file = file
        self.document = document
        self.data: dict[Any, Any] = document.data if isinstance(document.data, dict) else {}
        self.found = Findings(document)
        self.folder = LadderFolder(file.parent, self.found, hashes)
        self.golden = golden
        self.cards: list[CardFile] = []

    def read(self) -> LadderReading:
        whole: LadderFile | None = None
        try:
            whole = validate(LadderFile, self.document)
        except ConfigError as e:
            self.found.extend(e.problems)
        labels = self._labels()
        golden = self._golden()
        variants = self._variants()
        check_order(variants, self.found)
        plan = None
        if whole and not self.found.problems:
            plan = LadderPlan(
                name=whole.ladder,
                task=whole.task,
                variants=tuple(variants),
                labels=labels,
                top_k=min(whole.top_k, len(labels)) if labels else whole.top_k,
                golden=golden,
                max_pixels=whole.max_pixels,
                max_bytes=whole.max_bytes,
            )
        found = self.found
        return LadderReading(self.file, plan, found.problems, found.warnings, tuple(self.cards))

    def _labels(self) -> tuple[str, ...]:
        inline, name = self.data.get("labels"), self.data.get("labels_file")
        if inline is not None and name is not None:
            self.found.problem(("labels_file",), "cannot use it beside labels: keep one of them")
        elif inline is None and name is None and self.data.get("task") in ("classify", "detect"):
            self.found.warn(("task",), "no labels are given: answers carry class numbers only")
        if isinstance(inline, list):
            return tuple(str(label) for label in inline)
        return self.folder.labels(name) if isinstance(name, str) else ()

    def _golden(self) -> GoldenPlan | None:
        written = _attempt(GoldenFile, self.data.get("golden"))
        if written is None:
            return None
        path = self.folder.inside(written.file, ("golden", "file"), exists=self.golden)
        return GoldenPlan(str(path), written.tolerance) if path else None

    def _variants(self) -> list[VariantPlan]:
        defaults = _attempt(Common, self.data.get("defaults") or {})
        raw = self.data.get("variants")
        plans: list[VariantPlan] = []
        for i, item in enumerate(raw if isinstance(raw, list) else []):
            written = _attempt(VariantFile, item)
            if written is None:
                continue
            if any(p.name == written.name for p in plans):
                self.found.problem(
                    ("variants", i, "name"), f"cannot use the name {written.name!r} twice"
                )
            if written.name in RESERVED_NAMES:
                self.found.problem(
                    ("variants", i, "name"),
                    f"cannot name a variant {written.name!r}: the golden file uses that word",
                )
            path = self.folder.inside(written.file, ("variants", i, "file"))
            card = self.folder.card(written, i)
            merged = merge(defaults or Common(), written, self.data.get("task"))
            if defaults is not None:
                self._rules(merged, i)
            plans.append(_plan(merged, path, self.folder.fingerprint(written, card, path, i), card))
            self.cards.append(card)
        return plans

    def _rules(self, merged: Merged, index: int) -> None:
        task = self.data.get("task")
        check_backend(merged, index, self.found)
        check_input(merged, index, task, self.found)
        check_output(merged, index, task, self.found)


def _attempt(model: type[Model], data: object) -> Model | None:
    """``data`` as ``model``, or None: its mistakes were told already when the whole was validated."""
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def _plan(merged: Merged, path: Path | None, sha256: str | None, card: CardFile) -> VariantPlan:
    return VariantPlan(
        name=merged.name,
        file=str(path or merged.file),
        backend=merged.backend or "",
        sha256=sha256,
        input=merged.input,
        output=merged.output,
        card=replace(card.figures(), varies=merged.backend == CASCADE),
        options=merged.options,
    )
