"""``decide`` with somebody inside its constraints who scores the variants: for training, and for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from edgerund.policy.learned import Question, proposed
from edgerund.sim.controllers import Decider
from edgerund.types import Proposal
from edgerund.types.policy import LearnedTerms, PolicyPlan


class Proposer(Protocol):
    """Scores the variants of one ladder from its observation; the highest score is the proposal."""

    def __call__(self, seen: Sequence[float], /) -> Sequence[float]: ...


class Learned(Decider):
    """``decide`` with a proposer inside its constraints."""

    name = "learned"

    def __init__(self, plan: PolicyPlan, propose: Proposer) -> None:
        def advise(asked: Mapping[str, Question]) -> dict[str, Proposal]:
            return {name: proposed(q.variants, propose(q.seen)) for name, q in asked.items()}

        super().__init__(asking(plan), advise)

    def reload(self, plan: PolicyPlan) -> None:
        """As the daemon does it; whoever proposes stays."""
        super().reload(asking(plan))


def asking(plan: PolicyPlan) -> PolicyPlan:
    """The policy with a proposer that is no file."""
    return plan if plan.learned is not None else replace(plan, learned=LearnedTerms(""))
