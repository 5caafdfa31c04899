"""Runs a plan: each stage as soon as its parents are there, made or found made; a failed one costs its children."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from edgerund.build.crew import Crew, outcome
from edgerund.build.history import History
from edgerund.build.keys import stage_key
from edgerund.build.plan import Plan, Stage
from edgerund.build.progress import Reporter, duration
from edgerund.build.store import Entry
from edgerund.build.work import Order, Result

_LISTEN_S = 0.2


@dataclass(frozen=True)
class Terms:
    """What the caller decides about a run."""

    seed: int
    threads: int
    adopt: Mapping[str, Path] = field(default_factory=dict)


@dataclass
class Outcome:
    """What came of the stages, by name: an entry for each that is there, a reason for each that is not."""

    made: dict[str, Entry] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    reused: set[str] = field(default_factory=set)

    def over(self, name: str) -> bool:
        """Whether nothing more will come of this stage."""
        return name in self.made or name in self.failed


class Run:
    """One run over a plan."""

    def __init__(self, plan: Plan, terms: Terms, digests: Mapping[str, str], crew: Crew) -> None:
        self._plan = plan
        self._terms = terms
        self._digests = digests
        self._crew = crew
        self.outcome = Outcome()

    def all(self, reporter: Reporter, history: History) -> Outcome:
        """Make every stage that can be made. Raises OSError: the store cannot be written."""
        waiting = list(self._plan.stages)
        running: dict[Future[Result], Stage] = {}
        try:
            while waiting or running:
                waiting = self._give_up(waiting, reporter)
                for stage in self._ready(waiting)[: self._crew.hands - len(running)]:
                    reporter.begin(stage.name, stage.use)
                    running[self._crew.begin(self.order(stage))] = stage
                    waiting.remove(stage)
                done, _ = wait(running, timeout=_LISTEN_S, return_when=FIRST_COMPLETED)
                self._crew.listen()
                for future in done:
                    stage = running.pop(future)
                    self._take(outcome(future, stage.name), stage, reporter, history)
        finally:
            self._crew.close()
        return self.outcome

    def order(self, stage: Stage) -> Order:
        """What is to be done for a stage whose parents are there."""
        parents = [self.outcome.made[p] for p in stage.parents]
        return Order(
            stage,
            tuple(p.artifact for p in parents),
            stage_key(
                stage,
                [p.digest for p in parents],
                self._plan.recipe,
                self._terms.seed,
                self._digests,
            ),
            self._terms.seed,
            self._terms.threads,
            self._terms.adopt.get(stage.name),
        )

    def _ready(self, waiting: list[Stage]) -> list[Stage]:
        return [s for s in waiting if all(p in self.outcome.made for p in s.parents)]

    def _give_up(self, waiting: list[Stage], reporter: Reporter) -> list[Stage]:
        """Drop the stages that cannot come any more."""
        left = []
        for stage in waiting:
            missing = [p for p in stage.parents if p in self.outcome.failed]
            if missing:
                self.outcome.failed[stage.name] = f"cannot be made: {missing[0]!r} is not there"
                reporter.end(stage.name, f"not made: {missing[0]!r} is not there")
            else:
                left.append(stage)
        return left

    def _take(self, result: Result, stage: Stage, reporter: Reporter, history: History) -> None:
        entry = result.entry
        if entry is None:
            self.outcome.failed[stage.name] = result.reason
            reporter.end(stage.name, f"FAILED: {result.reason}")
            return
        self.outcome.made[stage.name] = entry
        if result.reused:
            self.outcome.reused.add(stage.name)
            reporter.end(stage.name, "found in the store" + (", adopted" if entry.adopted else ""))
        elif entry.adopted:
            reporter.end(stage.name, f"adopted {self._terms.adopt[stage.name]}")
        else:
            history.add(self._plan.recipe.recipe, stage.name, stage.use, entry.took_s)
            reporter.end(stage.name, f"made in {duration(entry.took_s)}")
