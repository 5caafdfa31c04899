"""Searches a policy's few free parameters on scenarios and recordings, and keeps what nothing else beats."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgerund.errors import PluginError
from edgerund.sim.controllers import Decider
from edgerund.sim.plant import Plant
from edgerund.sim.recording import Tape
from edgerund.sim.replay import replay_otherwise
from edgerund.sim.runner import run
from edgerund.sim.scenario import Scenario
from edgerund.sim.terms import terms_of
from edgerund.types import LadderPlan
from edgerund.types.policy import PolicyPlan

RANGES = {
    "margin_c": (0.5, 5.0),
    "horizon_s": (5.0, 60.0),
    "dwell_s": (5.0, 60.0),
    "hysteresis": (0.0, 0.15),
    "reserve_percent": (0.0, 10.0),
}
"""What may be searched; ``reserve_percent`` is searched as an addition to the one asked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """One set of parameters and what it gives, as means over all runs.

    ``accuracy`` is the effective accuracy (of replays: that of the cards, estimated). ``broken`` is the seconds over
    the temperature limit plus the seconds of every mission that was not completed.
    """

    parameters: tuple[tuple[str, float], ...]
    accuracy: float
    broken: float
    swaps_per_hour: float

    def beats(self, other: Found) -> bool:
        """No worse in anything, and better in something."""
        mine, theirs = self._costs(), other._costs()
        return mine != theirs and all(m <= t for m, t in zip(mine, theirs, strict=True))

    def _costs(self) -> tuple[float, float, float]:
        return -self.accuracy, self.broken, self.swaps_per_hour


@dataclass(frozen=True, slots=True)
class Trials:
    """What a set of parameters is tried on."""

    scenarios: Sequence[tuple[Scenario, int]]
    ladders: Sequence[LadderPlan]
    tapes: Sequence[Tape] = ()

    def run(self, plan: PolicyPlan, asked: PolicyPlan) -> tuple[float, float, float]:
        """(accuracy, broken seconds, swaps per hour), each a mean; the limits are those of ``asked``."""
        got = [*self._simulated(plan, asked), *self._replayed(plan)]
        accuracy, broken, swaps = (sum(column) / len(got) for column in zip(*got, strict=True))
        return accuracy, broken, swaps

    def _simulated(
        self, plan: PolicyPlan, asked: PolicyPlan
    ) -> Iterator[tuple[float, float, float]]:
        for scenario, seed in self.scenarios:
            plant = Plant(scenario, self.ladders, seed)
            score = run(plant, Decider(plan), terms_of(asked, plant.world, self.ladders))
            failed_s = 0.0 if score.mission_completed else score.duration_s
            yield score.effective_accuracy, score.over_limit_s + failed_s, score.swaps_per_hour

    def _replayed(self, plan: PolicyPlan) -> Iterator[tuple[float, float, float]]:
        for tape in self.tapes:
            result = replay_otherwise(tape, plan)
            hours = max(result.ticks / 3600, 1e-9)  # the daemon's tick is a second
            yield result.now.accuracy or 0.0, result.now.over_limit_s, result.now.swaps / hours


def free_parameters(plan: PolicyPlan) -> list[str]:
    """Those of ``RANGES`` that this policy has a use for."""
    names = ["dwell_s", "hysteresis"]
    if plan.temp is not None:
        names = ["margin_c", "horizon_s", *names]
    if plan.battery is not None and plan.battery.mission_s is not None:
        names.append("reserve_percent")
    return names


def with_parameters(plan: PolicyPlan, parameters: dict[str, float]) -> PolicyPlan:
    """The policy with these set."""
    p = dict(parameters)
    if plan.temp is not None:
        margin_c = p.pop("margin_c", plan.temp.margin_c)
        horizon_s = p.pop("horizon_s", plan.temp.horizon_s)
        plan = replace(plan, temp=replace(plan.temp, margin_c=margin_c, horizon_s=horizon_s))
    if plan.battery is not None and "reserve_percent" in p:
        reserve = min(99.0, plan.battery.reserve_percent + p.pop("reserve_percent"))
        plan = replace(plan, battery=replace(plan.battery, reserve_percent=reserve))
    return replace(plan, switching=replace(plan.switching, **p))


def front(found: Sequence[Found]) -> list[Found]:
    """What nothing else beats, the most accurate first."""
    best = {f: None for f in found if not any(other.beats(f) for other in found)}
    return sorted(best, key=lambda f: (-f.accuracy, f.broken, f.swaps_per_hour))


def tune(
    plan: PolicyPlan,
    trials: Trials,
    count: int,
    seed: int = 0,
    told: Callable[[Found], None] | None = None,
) -> list[Found]:
    """Search with Optuna's NSGA-II; the policy as it is counts as the first trial.

    Returns:
        Every set that was tried, the policy as it is first.

    Raises:
        PluginError: Optuna is not installed.
    """
    optuna = _optuna()  # before the first run, which may take minutes
    names = free_parameters(plan)
    found = [Found((), *trials.run(plan, plan))]
    if told is not None:
        told(found[0])

    def attempt(trial: Any) -> tuple[float, float, float]:
        parameters = {name: trial.suggest_float(name, *RANGES[name]) for name in names}
        got = trials.run(with_parameters(plan, parameters), plan)
        found.append(Found(tuple(parameters.items()), *got))
        if told is not None:
            told(found[-1])
        return got

    study = optuna.create_study(
        directions=["maximize", "minimize", "minimize"],
        sampler=optuna.samplers.NSGAIISampler(seed=seed, population_size=min(20, count)),
    )
    study.optimize(attempt, n_trials=count)
    return found


def _optuna() -> Any:
    try:
        optuna: Any = importlib.import_module("optuna")
    except ModuleNotFoundError as e:
        raise PluginError(
            "cannot tune: it needs Optuna, which is not installed; pip install 'edgerund[tune]'"
        ) from e
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
