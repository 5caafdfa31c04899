"""A scene that drifts: with a shadow the controller finds out, serves better, and comes back when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from edgerund.sim import bundled
from edgerund.sim.cards import load_cards, truths
from edgerund.sim.plant import Row
from edgerund.sim.runner import Score, simulate
from edgerund.sim.scenario import load_scenario
from edgerund.sim.shadowing import agreement
from edgerund.types import Decision, LadderPlan, Snapshot
from edgerund.types.policy import Objective, PolicyPlan, ShadowTerms


def measured(plan: LadderPlan) -> LadderPlan:
    """The ladder with cards that tell how often each variant answers like the best one."""
    found = truths(plan)
    variants = [
        replace(v, card=replace(v.card, agreement=agreement(found, v.name))) for v in plan.variants
    ]
    return replace(plan, variants=tuple(variants))


LADDERS = [measured(load_cards(bundled.cards_path("camera")))]
SCENARIO = load_scenario(bundled.scenarios_dir() / "shadow" / "drift.yaml")
CHEAP = LADDERS[0].variants[2]
FLOOR = 0.675  # between this one and the next
THRIFTY = PolicyPlan("thrifty", objective=Objective("energy", accuracy_floor=FLOOR))
WATCHED = replace(THRIFTY, shadow=ShadowTerms(share=0.3, max_per_s=3.0))


def served(plan: PolicyPlan, seed: int) -> tuple[Score, list[Row], list[Mapping[str, Decision]]]:
    rows: list[Row] = []
    decisions: list[Mapping[str, Decision]] = []

    def watch(_snapshot: Snapshot, made: Mapping[str, Decision], row: Row) -> None:
        rows.append(row)
        decisions.append(made)

    return simulate(plan, SCENARIO, LADDERS, seed, watch=watch), rows, decisions


def below_floor(rows: list[Row]) -> float:
    """Share of the drifted time in which what serves is truly less accurate than was asked for."""
    drifted = [row.ladders["camera"] for row in rows[900:1700]]
    return sum(one.accuracy < FLOOR for one in drifted) / len(drifted)


@pytest.mark.parametrize("seed", range(2))
def test_the_floor_holds_in_the_scene_that_is_there(seed: int) -> None:
    blind, blind_rows, _ = served(THRIFTY, seed)
    aware, rows, decisions = served(WATCHED, seed)
    assert below_floor(blind_rows) > 0.9
    assert below_floor(rows) < 0.4
    assert aware.effective_accuracy > blind.effective_accuracy + 0.01
    told = [{a.variant for a in d["camera"].agreements if a.drifted} for d in decisions]
    assert sum(map(bool, told[60:900])) < 45  # by chance, now and then
    assert CHEAP.name in set().union(*told[900:1700])
    # the shadow sees also from above that it is over: the thrifty one comes back
    assert rows[-1].ladders["camera"].live in (CHEAP.name, LADDERS[0].variants[1].name)
    assert CHEAP.name not in told[-1]


def test_the_same_seed_gives_the_same_run() -> None:
    assert served(WATCHED, 1)[0] == served(WATCHED, 1)[0]


def test_without_drift_a_shadow_costs_little_and_changes_nothing() -> None:
    calm = SCENARIO.model_copy(update={"drift": []})
    plain = simulate(THRIFTY, calm, LADDERS, 0)
    shadowed = simulate(replace(THRIFTY, shadow=ShadowTerms()), calm, LADDERS, 0)
    assert shadowed.effective_accuracy == pytest.approx(plain.effective_accuracy, abs=0.005)
    assert shadowed.swaps <= plain.swaps + 4
    assert plain.energy_wh < shadowed.energy_wh < 1.02 * plain.energy_wh
