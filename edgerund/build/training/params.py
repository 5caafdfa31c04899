"""What recipes say about a training, the same in every technique that has one."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class TrainingParams(BaseModel):
    """How a network is trained; ``fit`` goes to the recipe's own function as it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(default=3, ge=0, le=100_000, description="Passes over the training images.")
    start: float = Field(
        default=0.0, ge=0, lt=1, description="Where in the schedule of rates the training begins."
    )
    fit: dict[str, Any] = Field(
        default={}, description="Options of the recipe's fit, as it knows them."
    )
