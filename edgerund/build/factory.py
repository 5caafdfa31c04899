"""The whole of a build, from a recipe on disk to a ladder in place: what ``edgerund build`` does, in order."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import edgerund
from edgerund.build import assemble, placing
from edgerund.build.cards import CardWriter, Judged
from edgerund.build.choosing import Choosing, notes_of
from edgerund.build.crew import Alone, Crew, Team, make_bench
from edgerund.build.data import Source
from edgerund.build.dry_run import Prospect, prospects
from edgerund.build.history import History
from edgerund.build.keys import data_digests
from edgerund.build.plan import Plan
from edgerund.build.planning import make_plan
from edgerund.build.progress import Forecast, Reporter, duration, reporter
from edgerund.build.recipe import Recipe, read_recipe
from edgerund.build.report_input import report_of
from edgerund.build.run import Outcome, Run, Terms
from edgerund.build.search import Search
from edgerund.build.store import Store, usual_store
from edgerund.build.technique import Data
from edgerund.config.source import Document
from edgerund.errors import EdgerundError, UsageError


@dataclass(frozen=True)
class Job:
    """What the caller decides. ``target`` None: a folder of the recipe's name in the current one."""

    recipe: Path
    target: Path | None = None
    store: Path | None = None
    data: Path | None = None
    seed: int | None = None
    threads: int = 0
    jobs: int = 1
    adopt: Mapping[str, Path] = field(default_factory=dict)
    keep_dominated: bool = False
    replace: bool = False
    seconds: float | None = None
    quick: bool = False
    command: str = ""


@dataclass(frozen=True)
class Built:
    """What came of a build: the ladder's folder, its variants best first, and the stages that failed."""

    folder: Path
    assembled: assemble.Assembled
    failed: Mapping[str, str]


class Factory:
    """One build. Made from a recipe that is read and checked at once; see ``open_factory``."""

    def __init__(self, job: Job, recipe: Recipe, document: Document) -> None:
        folder = job.recipe.resolve().parent
        self.job = job
        self.seed = recipe.seed if job.seed is None else job.seed
        self.plan: Plan = make_plan(recipe, document, folder)
        self._check_adopted()
        self.plan = self.plan.adopting(job.adopt)
        self.target = (job.target or Path.cwd() / recipe.recipe).absolute()
        self.threads = job.threads or len(os.sched_getaffinity(0))
        self.store = Store(job.store or usual_store())
        self.source = Source(recipe, folder, job.data, self.seed)
        self.searched: Mapping[str, Any] | None = None

    def _check_adopted(self) -> None:
        names = {s.name for s in self.plan.stages}
        for name, file in self.job.adopt.items():
            if name not in names:
                raise UsageError(
                    f"cannot adopt for {name!r}: the stages are {', '.join(sorted(names))}"
                )
            if self.plan.stage(name).technique.gives == "cascade":
                raise UsageError(f"cannot adopt a cascade: adopt the members of {name!r}")
            if not file.is_file():
                raise UsageError(f"cannot adopt {file} for {name!r}: there is no such file")

    def look_ahead(self, data: Data) -> list[Prospect]:
        """What a build would do, stage by stage."""
        digests = data_digests(data)
        return prospects(self.plan, self.store, self.seed, digests, self.job.adopt)

    def build(self) -> Built:
        """Do it.

        Raises:
            BuildError: no ladder can come of it. OSError: the store or the target cannot be written.
        """
        placing.check_target(self.target, replace=self.job.replace)
        data = self.source.load()
        ahead = self.look_ahead(data)
        estimates_s = {p.stage.name: p.estimate_s if p.to_do else 0.0 for p in ahead}
        voice = reporter(Forecast(estimates_s))
        outcome = self._run(data, voice)
        if self.plan.recipe.search is not None:
            self._search(outcome, data, voice)
        return self._assemble(outcome, data, voice)

    def _run(self, data: Data, voice: Reporter) -> Outcome:
        terms = Terms(self.seed, self.threads, self.job.adopt)
        crew: Crew
        if self.job.jobs > 1:
            crew = Team(self.source, self.store.folder, voice.step, self.job.jobs)
        else:
            crew = Alone(make_bench(self.source, self.store, data), voice.step)
        history = History(self.store.folder / "history.jsonl")
        return Run(self.plan, terms, data_digests(data), crew).all(voice, history)

    def _search(self, outcome: Outcome, data: Data, voice: Reporter) -> None:
        """The chains that a search keeps become stages of the plan; one that finds nothing has failed."""
        bench = make_bench(self.source, self.store, data)
        voice.begin("search", "search")
        search = Search(
            self.plan,
            outcome.made,
            data_digests(data),
            bench,
            self.seed,
            self.threads,
            lambda share, text: voice.step("search", share, text),
        )
        try:
            found = search.run()
        except EdgerundError as e:
            outcome.failed["search"] = str(e)
            voice.end("search", f"FAILED: {e}")
            return
        self.plan = self.plan.with_found([t.stages for t in found.best])
        outcome.made.update(zip(self.plan.found, (t.entries[-1] for t in found.best), strict=True))
        self.searched = found.facts()
        voice.end("search", f"tried {len(found.trials)} chains, kept {len(found.best)}")

    def _assemble(self, outcome: Outcome, data: Data, voice: Reporter) -> Built:
        candidates = assemble.candidates_of(self.plan, outcome)
        images = data.test() if data.test else (data.validation or data.calibration)
        job = self.job
        judged = Judged(
            self.plan, images, job.seconds, job.quick, job.jobs, self.store.folder / "answers"
        )
        with placing.beside(self.target) as folder:
            ladder = assemble.lay_out(folder, self.plan, candidates)
            voice.begin("measure", f"{len(candidates)} candidates")
            measured = judged.measure(
                ladder, lambda share, text: voice.step("measure", share, text)
            )
            voice.end("measure", f"measured in {duration(measured.took_s)}")
            classes = len(ladder.labels) or None
            notes = (*measured.notes, *notes_of(measured, classes))
            measured = replace(measured, notes=notes)
            choosing = Choosing(self.plan, candidates, measured, self.job.keep_dominated)
            chosen = choosing.run()
            made = assemble.Assembled(
                tuple(chosen), candidates, measured, choosing.left_out, choosing.beaten_by
            )
            names = [c.name for c in chosen]
            card = CardWriter(measured, f"edgerund {edgerund.__version__} build", names)
            assemble.finish(folder, self.plan, chosen, measured, card, images)
            report_of(self.plan, outcome, made, self.seed, self.job.command, folder)
            if self.searched is not None:
                text = json.dumps(self.searched, indent=1)
                (folder / "search.json").write_text(text + "\n", encoding="utf-8")
            shutil.copyfile(self.job.recipe, folder / "recipe.yaml")
            placing.seal(folder, self._told())
            placing.check_target(self.target, replace=self.job.replace)
            placing.put(folder, self.target)
        return Built(self.target, made, outcome.failed)

    def _told(self) -> Mapping[str, object]:
        return {
            "made_by": f"edgerund {edgerund.__version__}",
            "recipe": self.plan.recipe.recipe,
            "seed": self.seed,
            "command": self.job.command,
        }


def open_factory(job: Job) -> Factory:
    """Read and check the recipe.

    Raises:
        ConfigError: every mistake, each with file and line. UsageError: an adopted file that is not there.
    """
    recipe, document = read_recipe(job.recipe)
    return Factory(job, recipe, document)
