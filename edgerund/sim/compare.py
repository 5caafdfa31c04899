"""Every controller on every scenario and seed against the bound: one table from one run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgerund.registry import resolve
from edgerund.sim.baselines import Static, StepWise, Threshold, best_static
from edgerund.sim.bound import upper_bound
from edgerund.sim.controllers import Controller, Decider
from edgerund.sim.literature import AlertLike, FuzzyFopdt
from edgerund.sim.plant import PlantLike
from edgerund.sim.runner import Score, run
from edgerund.sim.scenario import load_scenario
from edgerund.sim.terms import terms_of
from edgerund.types import LadderPlan
from edgerund.types.policy import PolicyPlan

CONTROLLERS: Mapping[str, Callable[[PolicyPlan], Controller]] = {
    "edgerund": Decider,
    "threshold": Threshold,
    "step_wise": StepWise,
    "alert-like": AlertLike,
    "fopdt-fuzzy": FuzzyFopdt,
    "static top": lambda _: Static(0, "static top"),
    "static bottom": lambda _: Static(-1, "static bottom"),
}
BEST_STATIC = "static best"


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario and seed for every controller. Plain enough to travel to another process."""

    plan: PolicyPlan
    scenario: str
    path: Path
    ladders: tuple[LadderPlan, ...]
    seed: int
    plant: str
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The bound of one case (None: even the cheapest variant breaks the limit) and every controller's score."""

    scenario: str
    seed: int
    bound: float | None
    scores: Mapping[str, Score]

    def gap_percent(self, name: str) -> float | None:
        """How far below the bound, in percent of it."""
        if self.bound is None:
            return None
        return 100 * (1 - self.scores[name].effective_accuracy / self.bound)


def kept(score: Score) -> bool:
    """Whether the run kept the limits, so that the bound speaks of it."""
    return score.over_limit_s == 0 and score.mission_completed


def compare(case: Case) -> Outcome:
    """Run one case."""
    scenario = load_scenario(case.path)
    plant_class: Callable[..., PlantLike] = resolve("plants", case.plant)
    fresh = plant_class(scenario, case.ladders, case.seed)
    terms = terms_of(case.plan, fresh.world, case.ladders)

    def play(controller: Controller) -> Score:
        return run(plant_class(scenario, case.ladders, case.seed), controller, terms)

    wanted = case.only or (*CONTROLLERS, BEST_STATIC)
    scores = {name: play(CONTROLLERS[name](case.plan)) for name in wanted if name in CONTROLLERS}
    bottom = scores.get("static bottom") or play(Static(-1))
    if BEST_STATIC in wanted:
        count = max(len(ladder.variants) for ladder in case.ladders)
        found = [play(controller) for controller in best_static(count)]
        scores[BEST_STATIC] = max(found, key=lambda s: (kept(s), s.effective_accuracy))
    bound = upper_bound(fresh, terms).effective_accuracy if kept(bottom) else None
    return Outcome(case.scenario, case.seed, bound, scores)


def compare_all(cases: Sequence[Case], jobs: int) -> Iterable[Outcome]:
    """All of them, in order, in ``jobs`` processes."""
    if jobs <= 1:
        yield from map(compare, cases)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(compare, cases)


@dataclass(frozen=True, slots=True)
class Line:
    """One controller over all cases that have a bound."""

    controller: str
    gap_mean_percent: float
    gap_worst_percent: float
    gap_worst_at: str
    over_limit_s: float
    over_limit_max_c: float
    over_limit_worst_s: float
    missions: int
    missions_completed: int
    swaps_per_hour_worst: float
    reserve_error_min_percent: float | None
    reserve_error_max_percent: float | None
    cases: int

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__}


def summary(outcomes: Sequence[Outcome]) -> list[Line]:
    """One line per controller, in the order in which they ran."""
    bounded = [o for o in outcomes if o.bound is not None]
    return [_line(name, bounded) for name in bounded[0].scores] if bounded else []


def _line(name: str, outcomes: Sequence[Outcome]) -> Line:
    scores = [o.scores[name] for o in outcomes]
    gaps = [(gap, o) for o in outcomes if (gap := o.gap_percent(name)) is not None]
    worst, at = max(gaps, key=lambda pair: pair[0])
    missions = [s for s in scores if s.left_percent is not None]
    errors = [s.reserve_error_percent for s in missions if s.reserve_error_percent is not None]
    return Line(
        controller=name,
        gap_mean_percent=sum(gap for gap, _ in gaps) / len(gaps),
        gap_worst_percent=worst,
        gap_worst_at=f"{at.scenario}/{at.seed}",
        over_limit_s=sum(s.over_limit_s for s in scores),
        over_limit_max_c=max(s.over_limit_max_c for s in scores),
        over_limit_worst_s=max(s.over_limit_s for s in scores),
        missions=len(missions),
        missions_completed=sum(s.mission_completed for s in missions),
        swaps_per_hour_worst=max(s.swaps_per_hour for s in scores),
        reserve_error_min_percent=min(errors, default=None),
        reserve_error_max_percent=max(errors, default=None),
        cases=len(outcomes),
    )
