"""A policy file's own claims (its ``expect:`` block), put to the test in the simulator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgerund.config.policy import ExpectModel
from edgerund.config.source import Document, validate
from edgerund.errors import UsageError
from edgerund.sim import bundled
from edgerund.sim.bound import upper_bound
from edgerund.sim.cards import load_cards
from edgerund.sim.controllers import Decider
from edgerund.sim.plant import Plant
from edgerund.sim.runner import Score, run
from edgerund.sim.scenario import Scenario, load_scenario
from edgerund.sim.terms import terms_of
from edgerund.types.policy import PolicyPlan


@dataclass(frozen=True, slots=True)
class Verdict:
    """One claim on one scenario and seed. ``found`` is what the run gave; ``asked`` what the file says."""

    scenario: str
    seed: int
    claim: str
    asked: float | bool
    found: float | bool | None
    kept: bool


def check(
    plan: PolicyPlan, expected: Sequence[ExpectModel], folder: Path = Path()
) -> Iterator[Verdict]:
    """Run every expectation; relative scenario files are looked for in ``folder``.

    Raises:
        ConfigError: a scenario with mistakes.
        UsageError: a scenario or ladder that is not known.
    """
    for expect in expected:
        name, scenario = _scenario(expect, folder)
        ladders = [load_cards(bundled.cards_path(expect.ladder or bundled.DEFAULT_LADDER))]
        for seed in range(expect.seeds):
            plant = Plant(scenario, ladders, seed)
            terms = terms_of(plan, plant.world, ladders)
            score = run(plant, Decider(plan), terms)
            gap = None
            if expect.gap_percent is not None:
                bound = upper_bound(plant, terms).effective_accuracy
                gap = 100 * (1 - score.effective_accuracy / bound)
            yield from _verdicts(expect, name, seed, score, gap)


def _scenario(expect: ExpectModel, folder: Path) -> tuple[str, Scenario]:
    if isinstance(expect.scenario, dict):
        return "inline", validate(Scenario, Document("expect.scenario", expect.scenario))
    try:
        path = bundled.scenario_path(expect.scenario)
    except UsageError:
        path = folder / expect.scenario
        if not path.is_file():
            raise
    if not path.is_absolute() and not path.is_file():
        path = folder / path
    return path.stem, load_scenario(path)


def _verdicts(
    expect: ExpectModel, name: str, seed: int, score: Score, gap: float | None
) -> Iterator[Verdict]:
    at_most = {
        "temp_over_limit_s": score.over_limit_s,
        "swaps_per_hour": score.swaps_per_hour,
        "gap_percent": gap,
        "late_share": score.late_share,
    }
    at_least = {
        "accuracy": score.effective_accuracy,
        "reserve_percent_left": score.left_percent,
    }
    for claim, found in at_most.items():
        asked = getattr(expect, claim)
        if asked is not None:
            yield Verdict(name, seed, claim, asked, found, found is not None and found <= asked)
    for claim, found in at_least.items():
        asked = getattr(expect, claim)
        if asked is not None:
            yield Verdict(name, seed, claim, asked, found, found is not None and found >= asked)
    if expect.mission_completed is not None:
        kept = score.mission_completed == expect.mission_completed
        yield Verdict(
            name, seed, "mission_completed", expect.mission_completed, score.mission_completed, kept
        )
