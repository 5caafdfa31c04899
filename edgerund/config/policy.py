"""The policy file: YAML -> validated model -> ``PolicyPlan``, and its JSON Schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from edgerund.config.policy_actuators import ActuatorsModel
from edgerund.config.policy_learned import LearnedModel
from edgerund.config.policy_limits import (
    BoardModel,
    ClientsModel,
    ConstraintsModel,
    LadderTermsModel,
    ObjectiveModel,
    Sense,
    Share,
    SwitchingModel,
)
from edgerund.config.policy_rules import RuleModel
from edgerund.config.policy_shadow import ShadowModel
from edgerund.config.source import Document, Strict, parse_yaml, read_yaml, validate
from edgerund.errors import ConfigError
from edgerund.types import policy as plain


class ExpectModel(Strict):
    """One simulated run that this policy must pass: ``edgerund policy test``."""

    scenario: str | dict[str, Any] = Field(
        description="name of a shipped scenario, a file, or the scenario itself"
    )
    seeds: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="runs with different noise; each must pass"
    )
    ladder: str | None = Field(
        default=None, description="ladder name of the simulator; none: its default"
    )
    temp_over_limit_s: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="at most"
    )
    mission_completed: bool | None = Field(
        default=None, description="whether the battery lasts to the mission's end"
    )
    swaps_per_hour: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="at most"
    )
    accuracy: Share | None = Field(default=None, description="mean effective accuracy, at least")
    gap_percent: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="below the bound, at most"
    )
    late_share: Share | None = Field(
        default=None, description="share of frames past the deadline, at most"
    )
    reserve_percent_left: Annotated[float, Field(ge=0, le=100)] | None = Field(
        default=None, description="battery at the end, at least"
    )


class PolicyModel(Strict):
    """A whole policy file."""

    policy: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")] = Field(
        description="its name"
    )
    summary: str = Field(default="", description="one line for people")
    objective: ObjectiveModel = ObjectiveModel(maximise="accuracy")
    constraints: ConstraintsModel = ConstraintsModel()
    switching: SwitchingModel = SwitchingModel()
    rules: list[RuleModel] = Field(
        default_factory=list, description="overrides; the first that matches wins"
    )
    lost: dict[Sense, plain.LostMode] = Field(
        default_factory=dict,
        description="a sense that was there and is gone: cheapest variant, the model alone (default), or ignore",
    )
    stale_after_s: Annotated[float, Field(ge=1, le=600)] = Field(
        default=5.0, description="an older reading is lost"
    )
    ladders: dict[str, LadderTermsModel] = Field(
        default_factory=dict, description="ladder: what it is worth beside the others"
    )
    board: BoardModel = BoardModel()
    actuators: ActuatorsModel = ActuatorsModel()
    clients: ClientsModel = ClientsModel()
    shadow: ShadowModel | None = Field(
        default=None, description="live agreement with the best variant; unset: no frame runs twice"
    )
    learned: LearnedModel | None = Field(
        default=None,
        description="a network that proposes variants; unset: the policy decides alone",
    )
    expect: list[ExpectModel] = Field(
        default_factory=list, description="what the simulator must show"
    )

    def plan(self, folder: Path) -> plain.PolicyPlan:
        """The plain data that ``decide`` takes; files that it names are sought from ``folder``.

        Raises:
            ValueError: the network of ``learned`` cannot be read.
        """
        limits = self.constraints
        return plain.PolicyPlan(
            name=self.policy,
            summary=self.summary,
            objective=self.objective.plan(),
            latency=limits.latency_ms.plan() if limits.latency_ms else None,
            temp=limits.temp_c.plan() if limits.temp_c else None,
            power=limits.power_mw.plan() if limits.power_mw else None,
            battery=limits.battery.plan() if limits.battery else None,
            memory=limits.memory_bytes.plan() if limits.memory_bytes else None,
            switching=self.switching.plan(),
            rules=tuple(rule.plan() for rule in self.rules),
            lost=dict(self.lost),
            stale_after_s=self.stale_after_s,
            ladders={name: terms.plan() for name, terms in self.ladders.items()},
            board=self.board.plan(),
            actuators=self.actuators.plan(),
            clients=self.clients.plan(),
            shadow=self.shadow.plan() if self.shadow else None,
            learned=self.learned.plan(folder) if self.learned else None,
        )


def read_policy(path: Path) -> tuple[PolicyModel, Document]:
    """The model and the document it came from, for whoever needs lines or ``expect``. Raises ConfigError."""
    document = read_yaml(path)
    return validate(PolicyModel, document), document


def plan_of(model: PolicyModel, document: Document, folder: Path) -> plain.PolicyPlan:
    """The plan of a policy whose files lie in ``folder``. Raises ConfigError."""
    try:
        return model.plan(folder)
    except ValueError as e:
        raise ConfigError([document.problem(("learned", "file"), str(e))]) from e


def load_policy(path: Path) -> plain.PolicyPlan:
    """Read one policy file.

    Raises:
        ConfigError: every mistake, with file and line.
    """
    return plan_of(*read_policy(path), path.parent)


def parse_policy(text: str, file: str = "<text>") -> plain.PolicyPlan:
    """The same from YAML text."""
    document = parse_yaml(text, file)
    return plan_of(validate(PolicyModel, document), document, Path())


def policy_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the policy file, for editors."""
    schema = PolicyModel.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "edgerund policy",
    }
