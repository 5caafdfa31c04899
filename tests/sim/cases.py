"""Small worlds for the simulator's tests."""

from __future__ import annotations

from collections.abc import Sequence

from edgerund.sim import bundled
from edgerund.sim.cards import load_cards
from edgerund.sim.plant import Plant
from edgerund.sim.scenario import Scenario
from edgerund.sim.terms import Terms, terms_of
from edgerund.types import Card, LadderPlan, VariantPlan
from edgerund.types.policy import BatteryLimit, LatencyLimit, PolicyPlan, TempLimit

PLAN = PolicyPlan(
    "test",
    latency=LatencyLimit(100.0),
    temp=TempLimit(80.0),
    battery=BatteryLimit(15.0, mission_s=3600.0),
)


def ladder(*cards: tuple[float, float, float], name: str = "tiny") -> LadderPlan:
    """(accuracy, latency_ms, energy_mj) per variant, called v0, v1 ...; a load takes one tick."""
    return LadderPlan(
        name,
        "detect",
        tuple(
            VariantPlan(
                f"v{i}",
                "",
                "fake",
                card=Card(
                    accuracy=a, latency_ms=ms, energy_mj=mj, memory_bytes=100_000_000, load_ms=900
                ),
            )
            for i, (a, ms, mj) in enumerate(cards)
        ),
    )


def camera() -> LadderPlan:
    """The ladder that ships with the scenarios."""
    return load_cards(bundled.cards_path("camera"))


def fresh(
    scenario: Scenario, ladders: Sequence[LadderPlan], seed: int = 0, plan: PolicyPlan = PLAN
) -> tuple[Plant, Terms]:
    """A plant and the terms of ``plan`` on it."""
    plant = Plant(scenario, ladders, seed)
    return plant, terms_of(plan, plant.world, ladders)
