"""A board that is not what the controller believes: another structure, other constants, and a rail that sees less."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from edgerund.sim.heat import Chain
from edgerund.sim.plant import Plant
from edgerund.sim.scenario import Scenario
from edgerund.sim.world import World
from edgerund.types import LadderPlan

OFF_BY = 0.3


class PerturbedPlant(Plant):
    """Per seed, thermal resistance, time constants and energy are each up to 30 % off, up or down.

    A heat spreader is a third node between die and sink, leakage doubles every 21 K, and the measured rail sees
    70 % of the power.
    """

    rail_share = 0.7

    def make_world(self, scenario: Scenario, ladders: Sequence[LadderPlan], seed: int) -> World:
        world = super().make_world(scenario, ladders, seed)
        more = _off(seed, "energy")
        truth = {
            name: tuple(replace(t, energy_j=t.energy_j * more) for t in variants)
            for name, variants in world.truth.items()
        }
        return replace(world, truth=truth)

    def make_chain(self, world: World) -> Chain:
        device = world.scenario.device
        hotter, slower = _off(world.seed, "resistance"), _off(world.seed, "time")
        heavier = slower / hotter  # a time constant is resistance x capacity
        die_w_per_k = 1 / (device.die_k_per_w * hotter)
        return Chain(
            j_per_k=(
                device.die_j_per_k * heavier,
                device.sink_j_per_k * heavier * 0.3,
                device.sink_j_per_k * heavier * 0.7,
            ),
            w_per_k=(die_w_per_k * 1.6, die_w_per_k / 0.375),
            still_w_per_k=device.still_w_per_k / hotter,
            fan_w_per_k=device.fan_w_per_k / hotter,
            leak_w=0.5,
            leak_k=30.0,
        )


def _off(seed: int, what: str) -> float:
    """Between 0.7 and 1.3, and never near 1: the point is to be off."""
    rng = random.Random(f"perturbed {what} {seed}")
    return 1 + rng.choice((-1, 1)) * rng.uniform(OFF_BY / 2, OFF_BY)
