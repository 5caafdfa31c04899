"""Who chooses: the form of every controller that the simulator can run, and the one that calls ``decide``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from edgerund.policy import outlook
from edgerund.policy.caps import shares
from edgerund.policy.carry import carried
from edgerund.policy.decide import initial
from edgerund.policy.learned import Advise, advised
from edgerund.types import Decision, Shadow, Snapshot
from edgerund.types.policy import PolicyPlan


class Controller(Protocol):
    """Looks at one snapshot per tick and names a variant per ladder."""

    name: str

    def step(self, snapshot: Snapshot) -> Mapping[str, str]:
        """The wanted variant of each ladder."""
        ...

    def reload(self, plan: PolicyPlan) -> None:
        """The operator changed the policy."""
        ...


class Decider:
    """The real thing: the very function that the daemon calls, with its state carried from tick to tick.

    Args:
        plan: the policy.
        advise: who proposes, where the policy lets somebody; None: the network that it names.

    Raises:
        EngineError, PluginError: that network cannot be used.
    """

    name = "edgerund"

    def __init__(self, plan: PolicyPlan, advise: Advise | None = None) -> None:
        self.plan = plan
        self._given = advise
        self._advise = advise or adviser_of(plan)
        self._state = self.before = initial(plan)
        self.decisions: Mapping[str, Decision] = {}

    def decide(self, snapshot: Snapshot) -> None:
        """Decide, and remember."""
        self.before = self._state
        self._state, self.decisions = advised(self.plan, self._state, snapshot, self._advise)

    def step(self, snapshot: Snapshot) -> Mapping[str, str]:
        self.decide(snapshot)
        return {name: decision.variant for name, decision in self.decisions.items()}

    def reload(self, plan: PolicyPlan) -> None:
        """As the daemon does it: what is known of the board is kept."""
        if plan != self.plan:
            if plan.learned != self.plan.learned:
                self._advise = self._given or adviser_of(plan)
            self.plan, self._state = plan, carried(self.plan, plan, self._state)

    def forecast_c(self, ahead_s: float) -> float | None:
        """What the thermal estimator expects ``ahead_s`` from now at the present power; None before it knows."""
        memory = self._state.thermal
        return outlook.forecast_c(memory, 0.0, ahead_s) if memory.ready else None

    def speed(self) -> float:
        """The share of full speed that all caps of the policy together leave."""
        level = self._state.caps.level
        return math.prod(shares(self.plan.actuators, level).values()) if level else 1.0

    def shadows(self) -> Mapping[str, Shadow]:
        """What runs beside, per ladder."""
        decisions = self.decisions.items()
        return {name: d.shadow for name, d in decisions if d.shadow is not None}

    def warm(self) -> Mapping[str, Sequence[str]]:
        """What to keep resident next, per ladder."""
        return {name: decision.warm for name, decision in self.decisions.items()}


def adviser_of(plan: PolicyPlan) -> Advise | None:
    """The network of a policy, loaded; None where it names none. Raises EngineError, PluginError."""
    if plan.learned is None:
        return None
    from edgerund.learned.network import Adviser  # brings ONNX Runtime, which few policies need

    return Adviser(plan.learned)
