"""A Gymnasium environment over the simulator: propose variants, inside the same constraints as the daemon's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgerund.errors import PluginError
from edgerund.policy.carry import carried
from edgerund.policy.decide import conclude, initial, weigh
from edgerund.policy.learned import LARGEST, observation, width
from edgerund.policy.shield import shield
from edgerund.sim.plant import Plant, PlantLike, Row
from edgerund.sim.scenario import Scenario
from edgerund.sim.terms import terms_of
from edgerund.types import LadderPlan, Proposal, Snapshot
from edgerund.types.policy import PolicyPlan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Observation = NDArray[np.float32]

try:
    import gymnasium
except ModuleNotFoundError as e:
    raise PluginError(
        "cannot make the environment: it needs Gymnasium, which is not installed; pip install 'edgerund[gym]'"
    ) from e


class SwapEnv(gymnasium.Env):  # type: ignore[misc]
    """One ladder on one board; a step is a second, an episode the scenario.

    Action: the place of the proposed variant, 0 is the best. Observation: ``policy.learned.observation``, which is
    also what an exported ONNX policy gets. Reward: effective accuracy of the frames of that second. A proposal that a
    constraint forbids is replaced by what ``decide`` chose; ``info["shielded"]`` tells.

    Args:
        plan: the policy whose constraints hold.
        scenarios: one is drawn for each episode.
        ladder: the ladder to serve.
        plant_class: the board.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own form

    def __init__(
        self,
        plan: PolicyPlan,
        scenarios: Sequence[Scenario],
        ladder: LadderPlan,
        plant_class: Callable[[Scenario, Sequence[LadderPlan], int], PlantLike] = Plant,
    ) -> None:
        self._plan, self._scenarios, self._ladder = plan, list(scenarios), ladder
        self._plant_class = plant_class
        count = len(ladder.variants)
        self.action_space = gymnasium.spaces.Discrete(count)
        shape = (width(count),)
        self.observation_space = gymnasium.spaces.Box(-LARGEST, LARGEST, shape, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        scenario = self._scenarios[int(self.np_random.integers(len(self._scenarios)))]
        board = int(self.np_random.integers(2**31))
        self._plant = self._plant_class(scenario, [self._ladder], board)
        self._terms = terms_of(self._plan, self._plant.world, [self._ladder])
        self._now, self._state = self._plan, initial(self._plan)
        self._tick = 0
        return self._look(), {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        name = self._ladder.name
        proposed = self._ladder.variants[int(action)].name
        heeded = shield(self._now, self._weighed, {name: Proposal(proposed)})
        self._state, decisions = conclude(self._now, heeded)
        wanted = {name: decisions[name].variant}
        deadline_ms = {name: self._terms.deadline_ms[name][self._tick]}
        row = self._plant.advance(wanted, deadline_ms, {})
        self._tick += 1
        over = self._tick >= self._plant.world.ticks
        info = {"shielded": wanted[name] != proposed, "die_c": row.die_c}
        look = self._look() if not over else self._seen
        return look, _reward(row, name), False, over, info

    def _look(self) -> Observation:
        plan = self._terms.reloads.get(self._tick)
        if plan is not None:
            self._now, self._state = plan, carried(self._now, plan, self._state)
        snapshot: Snapshot = self._plant.snapshot()
        self._weighed = weigh(self._now, self._state, snapshot)
        seen = observation(self._now, self._weighed, snapshot, 0)
        self._seen: Observation = np.asarray(seen, dtype=np.float32)
        return self._seen


def _reward(row: Row, name: str) -> float:
    ladder = row.ladders[name]
    return ladder.worth / ladder.offered_hz if ladder.offered_hz else 0.0
