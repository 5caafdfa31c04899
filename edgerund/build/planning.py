"""From a recipe to stages in the order in which they can be made; every mistake with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from edgerund.build.plan import MODELS, Plan, Stage, make_stage
from edgerund.build.recipe import Recipe, StageFile
from edgerund.build.search_rules import check_steps
from edgerund.build.technique import Kind
from edgerund.config.source import Document, Loc
from edgerund.errors import ConfigError, PluginError, Problem


def make_plan(recipe: Recipe, document: Document, folder: Path) -> Plan:
    """Check what a recipe means.

    Args:
        recipe: its form is right already.
        document: where its keys stand.
        folder: where its relative paths begin.

    Raises:
        ConfigError: every mistake: unknown techniques, parameters, parents; circles; kinds that do not fit.
    """
    planner = _Planner(recipe, document, folder)
    stages = planner.stages()
    planner.check_choices(stages)
    if planner.problems:
        raise ConfigError(sorted(planner.problems, key=lambda p: p.line))
    return Plan(recipe, folder, _ordered(stages))


class _Planner:
    def __init__(self, recipe: Recipe, document: Document, folder: Path) -> None:
        self.recipe = recipe
        self.document = document
        self.folder = folder
        self.problems: list[Problem] = []

    def problem(self, loc: Loc, message: str) -> None:
        self.problems.append(self.document.problem(loc, message))

    def stages(self) -> dict[str, Stage]:
        found: dict[str, Stage] = {}
        for name, written in self.recipe.stages.items():
            stage = self._stage(name, written)
            if stage is not None:
                found[name] = stage
        for stage in found.values():
            self._parents(stage, found)
        circle = _circle({name: s.parents for name, s in self.recipe.stages.items()})
        if circle:
            self.problem(
                ("stages", circle[0], "from"), f"cannot go round in a circle: {' -> '.join(circle)}"
            )
        return found

    def _stage(self, name: str, written: StageFile) -> Stage | None:
        try:
            stage = make_stage(name, written.use, written.params, self.folder)
        except PluginError as e:
            self.problem(("stages", name, "use"), str(e))
            return None
        except ValidationError as e:
            for error in e.errors():
                loc: Loc = ("stages", name, *error["loc"])
                self.problem(loc, _said(error["type"], error["msg"], written.use))
            return None
        for key, value in dict(stage.params).items():
            if isinstance(value, Path) and not value.is_file():
                self.problem(("stages", name, key), f"cannot find the file {value}")
        if stage.torch and self.recipe.model is None:
            self.problem(
                ("stages", name, "use"),
                f"{written.use} works on a torch model: the recipe must name model",
            )
        return Stage(name, stage.use, stage.technique, stage.params, tuple(written.parents))

    def _parents(self, stage: Stage, found: Mapping[str, Stage]) -> None:
        loc: Loc = ("stages", stage.name, "from")
        takes = stage.technique.takes
        most = getattr(stage.technique, "most_parents", 2 if takes else 1)
        if len(stage.parents) > most:
            what = f"at most {most} stages" if most else "no other stage"
            self.problem(loc, f"{stage.use} comes from {what}, not {len(stage.parents)}")
        if takes is not None and not stage.parents:
            self.problem(loc, f"{stage.use} changes a model: say from which stage it comes")
        least = getattr(stage.technique, "least_parents", 1)
        if stage.parents and len(stage.parents) < least:
            self.problem(loc, f"{stage.use} joins at least {least} stages: list them, cheap first")
        for i, name in enumerate(stage.parents):
            if name not in self.recipe.stages:
                self.problem(
                    loc,
                    f"cannot find the stage {name!r}: known are {', '.join(self.recipe.stages)}",
                )
            elif takes and name in found and _unfit(stage, i, found[name]):
                self.problem(loc, _mismatch(stage, takes, found[name]))

    def check_choices(self, found: Mapping[str, Stage]) -> None:
        """Variants, the baseline and the search's base are stages that give ONNX; names are given once."""
        if self.recipe.baseline:
            self._gives(("onnx",), self.recipe.baseline, ("baseline",), found)
        if self.recipe.search:
            self._gives(("onnx",), self.recipe.search.base, ("search", "from"), found)
            wrong = check_steps(
                self.recipe.search,
                self.recipe.stages,
                lambda step, params: make_stage("search", step.use, params, self.folder),
            )
            for loc, message in wrong:
                self.problem(loc, message)
        names: set[str] = set()
        chosen = self.recipe.variants
        for i, choice in enumerate([] if isinstance(chosen, str) else chosen):
            self._gives(MODELS, choice.stage, ("variants", i), found)
            name = choice.name or choice.stage
            if name in names:
                self.problem(("variants", i), f"cannot use the name {name!r} twice")
            names.add(name)
        complete = len(found) == len(self.recipe.stages)
        if complete and not any(s.technique.gives == "onnx" for s in found.values()):
            self.problem(("stages",), "cannot make a ladder of this: no stage gives an ONNX file")
        if self.recipe.ladder.task != "tensor" and self.recipe.ladder.defaults.input is None:
            self.problem(
                ("ladder", "defaults"),
                f"task {self.recipe.ladder.task} needs defaults.input: how a frame becomes the input",
            )

    def _gives(
        self, kinds: Sequence[Kind], name: str, loc: Loc, found: Mapping[str, Stage]
    ) -> None:
        if name not in self.recipe.stages:
            self.problem(
                loc, f"cannot find the stage {name!r}: known are {', '.join(self.recipe.stages)}"
            )
        elif name in found and found[name].technique.gives not in kinds:
            gives = found[name].technique.gives
            said = "a torch model; export it first" if gives == "torch" else f"a {gives}"
            self.problem(loc, f"cannot use {name!r} here: it gives {said}")


def _unfit(stage: Stage, number: int, parent: Stage) -> bool:
    """A teacher may be of any kind; where members are joined, all are of the kind that the technique takes."""
    alike = hasattr(stage.technique, "least_parents")
    return (alike or not number) and parent.technique.gives != stage.technique.takes


def _mismatch(stage: Stage, takes: Kind, parent: Stage) -> str:
    gives = parent.technique.gives
    advice = {
        "torch": "put an export between them",
        "onnx": "take the stage before its export",
        "cascade": "a cascade ends a chain, take one of its members",
    }[gives]
    return f"{stage.use} works on {takes}, {parent.name!r} gives {gives}: {advice}"


def _said(kind: str, message: str, use: str) -> str:
    if kind == "extra_forbidden":
        return f"unknown key: {use} has no such parameter"
    if kind == "missing":
        return f"this key is required by {use}"
    return message.removeprefix("Value error, ")


def _circle(parents: Mapping[str, Iterable[str]]) -> list[str]:
    """One circle of stages, its first name once more at the end; nothing where there is none."""
    safe: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in safe or name not in parents:
            return []
        for parent in parents[name]:
            circle = walk(parent, [*path, name])
            if circle:
                return circle
        safe.add(name)
        return []

    for name in parents:
        circle = walk(name, [])
        if circle:
            return circle
    return []


def _ordered(stages: Mapping[str, Stage]) -> tuple[Stage, ...]:
    """Parents first, else as written."""
    done: dict[str, Stage] = {}

    def add(stage: Stage) -> None:
        if stage.name not in done:
            for parent in stage.parents:
                add(stages[parent])
            done[stage.name] = stage

    for stage in stages.values():
        add(stage)
    return tuple(done.values())
