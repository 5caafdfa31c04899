"""What a build does: stages, parents first, and what may become a variant."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel

from edgerund import registry
from edgerund.build.recipe import Choice, Recipe
from edgerund.build.technique import Kind, Technique

MODELS: tuple[Kind, ...] = ("onnx", "cascade")
"""What may become a variant."""


@dataclass(frozen=True)
class Stage:
    """One stage, checked: ``params`` are the technique's own, paths in them are absolute."""

    name: str
    use: str
    technique: Technique
    params: BaseModel
    parents: tuple[str, ...] = ()

    @property
    def trains(self) -> bool:
        """Whether the recipe's own training functions take part."""
        return self.torch or getattr(self.technique, "trains", False)

    @property
    def torch(self) -> bool:
        """Whether a network that only the recipe's own code can build takes part."""
        return "torch" in (self.technique.takes, self.technique.gives)


@dataclass(frozen=True)
class Plan:
    """A recipe's stages, parents first. ``folder`` is where the recipe's relative paths begin."""

    recipe: Recipe
    folder: Path
    stages: tuple[Stage, ...]
    found: tuple[str, ...] = ()
    """Stages that a search added: each is a whole chain, and may become a variant."""

    def stage(self, name: str) -> Stage:
        """The stage of that name; KeyError if there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    @property
    def baseline(self) -> str:
        """The stage with which the report compares."""
        giving = (s.name for s in self.stages if s.technique.gives == "onnx")
        return self.recipe.baseline or next(giving)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What may become a variant: what the recipe names, or every stage that gives ONNX or a cascade."""
        search, named = self.recipe.search, self.recipe.variants
        if isinstance(named, str):
            own = [s.name for s in self.stages if s.technique.gives in MODELS]
            named = [Choice(stage=name) for name in own if name not in self.found]
        found = self.found if search is None or search.enter else ()
        return (*named, *(Choice(stage=name) for name in found))

    def with_found(self, chains: Sequence[Sequence[Stage]]) -> Plan:
        """The plan with one further stage for each chain that a search kept, named ``search-1`` and so on."""
        assert self.recipe.search is not None
        taken = {s.name for s in self.stages}
        free = (f"search-{n}" for n in itertools.count(1) if f"search-{n}" not in taken)
        added = [
            replace(
                chain[-1],
                name=next(free),
                use=" + ".join(s.use for s in chain),
                parents=(self.recipe.search.base,),
            )
            for chain in chains
        ]
        names = tuple(s.name for s in added)
        return replace(self, stages=(*self.stages, *added), found=names)

    def adopting(self, names: Collection[str]) -> Plan:
        """The plan where these stages are made elsewhere: what only they would need is left out."""
        parents = {p for s in self.stages for p in s.parents}
        ends = [s for s in self.stages if s.technique.gives in MODELS or s.name not in parents]
        needed: set[str] = set()
        while ends:
            stage = ends.pop()
            needed.add(stage.name)
            if stage.name not in names:
                ends += [self.stage(p) for p in stage.parents if p not in needed]
        kept = [
            s if needed.issuperset(s.parents) else replace(s, parents=())
            for s in self.stages
            if s.name in needed
        ]
        return replace(self, stages=tuple(kept))


def make_stage(name: str, use: str, written: Mapping[str, object], folder: Path) -> Stage:
    """One stage without parents yet.

    Raises:
        PluginError: no such technique. ValidationError: parameters that it does not take.
    """
    technique: Technique = registry.resolve("techniques", use)()
    params = technique.Params.model_validate(dict(written))
    return Stage(name, use, technique, _rooted(params, folder))


def _rooted(params: BaseModel, folder: Path) -> BaseModel:
    """Relative paths begin at the recipe's folder."""
    paths = {k: folder / v for k, v in dict(params).items() if isinstance(v, Path)}
    return params.model_copy(update=paths) if paths else params
