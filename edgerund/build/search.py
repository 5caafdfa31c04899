"""A search over chains of techniques: every trial is a chain of ordinary stages, kept in the store like any other.

Objectives are accuracy on validation images (up), latency against the base measured side by side (down), and the
size of the file (down). What a trial measured is kept beside the store, so that a search that was interrupted asks
the same questions again and gets the same answers, without making or measuring anything twice.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgerund.build.front import Figures, front, thinned
from edgerund.build.keys import stage_key, version
from edgerund.build.plan import Plan, Stage, make_stage
from edgerund.build.space import draw
from edgerund.build.store import Entry
from edgerund.build.technique import Progress
from edgerund.build.work import Bench, Order, make
from edgerund.errors import BuildError, PluginError

STARTUP_TRIALS = 10
"""Random ones before the model of what pays begins."""


@dataclass(frozen=True)
class Trial:
    """One chain: its stages, and its figures, or the reason why there are none."""

    stages: tuple[Stage, ...]
    entries: tuple[Entry, ...] = ()
    figures: Figures | None = None
    reason: str = ""

    def facts(self) -> dict[str, Any]:
        """JSON-ready, for the report."""
        chain = [
            {"use": s.use, **s.params.model_dump(mode="json", exclude_defaults=True)}
            for s in self.stages
        ]
        figures = asdict(self.figures) if self.figures else {"failed": self.reason}
        return {"chain": chain, **figures}


@dataclass(frozen=True)
class Found:
    """What a search gave: every trial, and those kept, the most accurate first."""

    base: Figures
    trials: tuple[Trial, ...]
    best: tuple[Trial, ...]

    def facts(self) -> dict[str, Any]:
        """JSON-ready, for the report."""
        return {
            "base": asdict(self.base),
            "trials": [t.facts() for t in self.trials],
            "front": [self.trials.index(t) for t in self.best],
        }


@dataclass
class Search:
    """One search of a plan; ``made`` are the stages that are there already, the base among them."""

    plan: Plan
    made: Mapping[str, Entry]
    digests: Mapping[str, str]
    bench: Bench
    seed: int
    threads: int
    told: Progress
    _judge: Any = None

    def run(self) -> Found:
        """Do it.

        Raises:
            BuildError: the base is not there, or no chain works. PluginError: Optuna is not installed.
        """
        spec = self.plan.recipe.search
        assert spec is not None
        optuna = _optuna()
        base = self._base(spec.base)
        study = _study(optuna, self.seed, spec.floor)
        trials: list[Trial] = []
        for number in range(spec.trials):
            asked = study.ask()
            chain = draw(spec.steps, asked)
            share = number / spec.trials
            self.told(share, f"chain {number + 1} of {spec.trials}: {_words(chain, spec.steps)}")
            trial = self._try(chain, spec, share)
            trials.append(trial)
            if trial.figures is None:
                study.tell(asked, state=optuna.trial.TrialState.FAIL)
                continue
            asked.set_user_attr("accuracy", trial.figures.accuracy)
            study.tell(asked, [*asdict(trial.figures).values()])
        best = _best(trials, spec.floor, spec.most)
        if not best:
            reasons = [t.reason for t in trials if t.reason] or ["none keeps the floor"]
            raise BuildError(f"cannot find a chain that works: {reasons[0]}")
        self.told(1.0, f"{len(best)} of {len(trials)} chains are beaten by none")
        return Found(base, tuple(trials), tuple(best))

    def _base(self, name: str) -> Figures:
        if name not in self.made:
            raise BuildError(f"cannot search: the stage {name!r}, where it begins, was not made")
        path = self.made[name].artifact.path
        from edgerund.build.graph.score import Judge

        self._judge = Judge(path, self.bench.data, self.threads)
        return Figures(self._judge.parent.value, 1.0, path.stat().st_size)

    def _try(
        self, chain: Sequence[tuple[int, Mapping[str, Any]]], spec: Any, share: float
    ) -> Trial:
        before = self.made[spec.base]
        stages: list[Stage] = []
        entries: list[Entry] = []
        for number, params in chain:
            step = spec.steps[number]
            stage = make_stage(f"search-{number}-{step.use}", step.use, params, self.plan.folder)
            stages.append(stage)
            parents = [before] + ([self.made[step.teacher]] if step.teacher in self.made else [])
            result = make(
                self._order(stage, parents), self.bench, lambda _, text: self.told(share, text)
            )
            if result.entry is None:
                return Trial(tuple(stages), tuple(entries), reason=result.reason)
            before = result.entry
            entries.append(before)
        try:
            figures = self._measured(before, self.made[spec.base])
        except BuildError as e:
            return Trial(tuple(stages), tuple(entries), reason=str(e))
        return Trial(tuple(stages), tuple(entries), figures)

    def _order(self, stage: Stage, parents: Sequence[Entry]) -> Order:
        key = stage_key(
            stage, [p.digest for p in parents], self.plan.recipe, self.seed, self.digests
        )
        return Order(stage, tuple(p.artifact for p in parents), key, self.seed, self.threads)

    def _measured(self, entry: Entry, base: Entry) -> Figures:
        """Measured once for each pair of files: what is kept is found again when a search goes on."""
        from edgerund.build.graph.timing import latency_ratio

        file = self._note(entry, base)
        if file.is_file():
            return Figures(**json.loads(file.read_text(encoding="utf-8")))
        path = entry.artifact.path
        score = self._judge(path, path.name)
        ratio = round(latency_ratio(path, base.artifact.path, self._judge.images), 4)
        figures = Figures(round(score.value, 5), ratio, path.stat().st_size)
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(figures)), encoding="utf-8")
        draft.replace(file)
        return figures

    def _note(self, entry: Entry, base: Entry) -> Path:
        told = [entry.digest, base.digest, self.digests, version("onnxruntime")]
        name = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return self.bench.store.folder / "search" / f"{name}.json"


def _best(trials: Sequence[Trial], floor: float | None, most: int) -> list[Trial]:
    fit = [t for t in trials if t.figures and t.stages and t.figures.accuracy >= (floor or 0.0)]
    figures = [t.figures for t in fit if t.figures is not None]
    return [fit[i] for i in thinned(figures, front(figures), most)]


def _words(chain: Sequence[tuple[int, Any]], steps: Sequence[Any]) -> str:
    return ", then ".join(steps[number].use for number, _ in chain) or "nothing at all"


def _study(optuna: Any, seed: int, floor: float | None) -> Any:
    """Optuna's tree-structured Parzen estimator for several objectives (Y. Ozaki et al., GECCO 2020)."""
    rule: Callable[[Any], Sequence[float]] | None = None
    if floor is not None:
        least = floor

        def rule(trial: Any) -> Sequence[float]:
            return (least - trial.user_attrs.get("accuracy", 0.0),)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constraints are marked experimental
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=STARTUP_TRIALS, constraints_func=rule
        )
    return optuna.create_study(directions=["maximize", "minimize", "minimize"], sampler=sampler)


def _optuna() -> Any:
    try:
        optuna: Any = importlib.import_module("optuna")
    except ModuleNotFoundError as e:
        raise PluginError(
            "cannot search: it needs Optuna, which is not installed; pip install 'edgerund[build]'"
        ) from e
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
