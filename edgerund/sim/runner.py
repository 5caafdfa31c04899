"""Runs a controller on a plant, tick by tick on a virtual clock, and sums up what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgerund.sim.controllers import Controller, Decider
from edgerund.sim.plant import Plant, PlantLike, Row
from edgerund.sim.scenario import Scenario
from edgerund.sim.terms import Terms, terms_of
from edgerund.sim.world import DT_S, World
from edgerund.types import Decision, LadderPlan, Snapshot
from edgerund.types.policy import PolicyPlan

NO_WARM: Mapping[str, Sequence[str]] = {}
Watch = Callable[[Snapshot, Mapping[str, Decision], Row], None]
"""Called after every tick with what was seen, decided and done."""
PlantClass = Callable[[Scenario, Sequence[LadderPlan], int], PlantLike]


@dataclass(frozen=True, slots=True)
class Score:
    """One run in figures.

    ``effective_accuracy`` is the mean over all frames offered: right and in time counts its variant's accuracy,
    late, refused or lost counts 0. ``mission_completed``: powered to the mission's end with at least the reserve
    left. ``swaps_per_hour`` leaves out the ticks in which something competes, ``swaps`` does not.
    """

    effective_accuracy: float
    accuracy: float
    late_share: float
    over_limit_s: float
    over_limit_max_c: float
    peak_c: float
    energy_wh: float
    mission_completed: bool
    left_percent: float | None
    reserve_error_percent: float | None
    swaps: int
    swaps_per_hour: float
    duration_s: float

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def run(
    plant: PlantLike, controller: Controller, terms: Terms, watch: Watch | None = None
) -> Score:
    """One run from start to end."""
    world = plant.world
    rows: list[Row] = []
    decider = controller if isinstance(controller, Decider) else None
    for tick in range(world.ticks):
        plan = terms.reloads.get(tick)
        if plan is not None:
            controller.reload(plan)
        snapshot = plant.snapshot()
        wanted = controller.step(snapshot)
        if decider is not None and isinstance(plant, Plant):
            plant.speed = decider.speed()
            plant.shadows = decider.shadows()
        deadline_ms = {name: values[tick] for name, values in terms.deadline_ms.items()}
        row = plant.advance(wanted, deadline_ms, decider.warm() if decider else NO_WARM)
        rows.append(row)
        if watch is not None:
            watch(snapshot, decider.decisions if decider else {}, row)
    return score(world, terms, rows)


def simulate(
    plan: PolicyPlan,
    scenario: Scenario,
    ladders: Sequence[LadderPlan],
    seed: int = 0,
    plant_class: PlantClass = Plant,
    watch: Watch | None = None,
) -> Score:
    """Run ``decide`` under ``plan`` on a fresh plant."""
    plant = plant_class(scenario, ladders, seed)
    terms = terms_of(plan, plant.world, ladders)
    return run(plant, Decider(plan), terms, watch)


def score(world: World, terms: Terms, rows: Sequence[Row]) -> Score:
    """Sum up the rows of one run."""
    offered = worth = in_time = accuracy = 0.0
    energy_j = over_s = over_max_c = 0.0
    swaps = calm_swaps = 0
    live: dict[str, str] = {}
    for tick, row in enumerate(rows):
        for name, ladder in row.ladders.items():
            offered += ladder.offered_hz
            worth += ladder.worth
            in_time += ladder.in_time * ladder.offered_hz
            accuracy += ladder.accuracy * ladder.offered_hz
            changed = name in live and live[name] != ladder.live
            live[name] = ladder.live
            swaps += changed
            calm_swaps += changed and not world.contended[tick]
        energy_j += row.power_w * DT_S
        over_c = row.die_c - terms.temp_limit_c[tick]
        if over_c > 0:
            over_s += DT_S
            over_max_c = max(over_max_c, over_c)
    calm_h = sum(not c for c in world.contended) * DT_S / 3600
    left_percent, reserve_error = _battery(world.scenario, terms, rows)
    return Score(
        effective_accuracy=worth / offered if offered else 0.0,
        accuracy=accuracy / offered if offered else 0.0,
        late_share=1 - in_time / offered if offered else 0.0,
        over_limit_s=over_s,
        over_limit_max_c=over_max_c,
        peak_c=max(row.die_c for row in rows),
        energy_wh=energy_j / 3600,
        mission_completed=left_percent is None
        or (left_percent > 0 and (reserve_error or 0.0) >= 0),
        left_percent=left_percent,
        reserve_error_percent=reserve_error,
        swaps=swaps,
        swaps_per_hour=calm_swaps / calm_h if calm_h > 0 else 0.0,
        duration_s=len(rows) * DT_S,
    )


def _battery(
    scenario: Scenario, terms: Terms, rows: Sequence[Row]
) -> tuple[float | None, float | None]:
    """(percent left, percent points above the reserve) when the mission ends."""
    left_wh = rows[terms.mission_ticks - 1].left_wh
    if scenario.battery is None or left_wh is None:
        return None, None
    percent = 100 / scenario.battery.capacity_wh
    reserve_wh = terms.reserve_wh
    return left_wh * percent, None if reserve_wh is None else (left_wh - reserve_wh) * percent
