"""``edgerund policy test``: what each policy file expects of itself, shown in the simulator."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from edgerund.config.policy import ExpectModel, plan_of, read_policy
from edgerund.types.policy import PolicyPlan

EXIT_UNMET = 1


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation against one run. ``bound`` is what was asked for."""

    policy: str
    scenario: str
    seed: int
    what: str
    bound: float | bool
    got: float | bool | None
    met: bool


def run(files: list[Path], *, as_json: bool) -> int:
    """Run every expectation of every file; 1 if any is not met."""
    unmet = 0
    for file in files:
        model, document = read_policy(file)
        plan = plan_of(model, document, file.parent)
        if not model.expect and not as_json:
            print(f"{file}: expects nothing (no `expect` block)")
        for expect in model.expect:
            for check in checks(plan, expect, file.parent):
                unmet += not check.met
                print(json.dumps(asdict(check)) if as_json else _line(check))
    return EXIT_UNMET if unmet else 0


def checks(plan: PolicyPlan, expect: ExpectModel, folder: Path) -> Iterator[Check]:
    """Simulate one expectation, seed by seed."""
    for seed in range(expect.seeds):
        figures = _figures(plan, expect, seed, folder)
        name = expect.scenario if isinstance(expect.scenario, str) else "inline"
        for what, (bound, got, met) in judge(expect, figures).items():
            yield Check(plan.name, name, seed, what, bound, got, met)


def judge(
    expect: ExpectModel, figures: dict[str, Any]
) -> dict[str, tuple[float | bool, float | bool | None, bool]]:
    """Each stated expectation as (asked for, got, met). A figure that the run has not is not met."""
    found: dict[str, tuple[float | bool, float | bool | None, bool]] = {}
    for what, (figure, at_most) in _FIGURES.items():
        bound = getattr(expect, what)
        if bound is None:
            continue
        got = figures[figure]
        if isinstance(bound, bool):
            found[what] = (bound, got, got is bound)
        else:
            met = got is not None and (got <= bound if at_most else got >= bound)
            found[what] = (bound, got, met)
    return found


# what a policy may expect: the simulator's figure, and whether the bound is an upper one
_FIGURES = {
    "temp_over_limit_s": ("over_limit_s", True),
    "mission_completed": ("mission_completed", True),
    "swaps_per_hour": ("swaps_per_hour", True),
    "accuracy": ("effective_accuracy", False),
    "gap_percent": ("gap_percent", True),
    "late_share": ("late_share", True),
    "reserve_percent_left": ("left_percent", False),
}


def _figures(plan: PolicyPlan, expect: ExpectModel, seed: int, folder: Path) -> dict[str, Any]:
    from edgerund.sim import bundled
    from edgerund.sim.bound import upper_bound
    from edgerund.sim.cards import load_cards
    from edgerund.sim.plant import Plant
    from edgerund.sim.runner import simulate
    from edgerund.sim.scenario import load_scenario
    from edgerund.sim.terms import terms_of

    if isinstance(expect.scenario, str):
        local = folder / expect.scenario
        path = local if local.is_file() else bundled.scenario_path(expect.scenario)
        scenario = load_scenario(path)
    else:
        with tempfile.TemporaryDirectory() as work:
            path = Path(work) / "scenario.yaml"
            path.write_text(yaml.safe_dump(expect.scenario), encoding="utf-8")
            scenario = load_scenario(path)
    ladders = [load_cards(bundled.cards_path(expect.ladder or bundled.DEFAULT_LADDER))]
    score = simulate(plan, scenario, ladders, seed)
    figures = score.plain()
    if expect.gap_percent is not None:
        plant = Plant(scenario, ladders, seed)
        bound = upper_bound(plant, terms_of(plan, plant.world, ladders)).effective_accuracy
        figures["gap_percent"] = 100.0 * (1.0 - score.effective_accuracy / bound)
    return figures


def _line(check: Check) -> str:
    got = (
        "nothing"
        if check.got is None
        else f"{check.got:g}"
        if not isinstance(check.got, bool)
        else check.got
    )
    return (
        f"{'ok  ' if check.met else 'FAIL'} {check.policy}, {check.scenario}, seed {check.seed}:"
        f" {check.what} {check.bound}, got {got}"
    )
