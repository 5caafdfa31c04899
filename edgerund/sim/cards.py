"""The ladders that a simulation runs: a card set that comes with edgerund, or the cards of a real ladder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from edgerund.config.ladder import load_ladder
from edgerund.config.source import Strict, read_yaml, validate
from edgerund.errors import LadderError
from edgerund.sim.world import DT_S, Truth
from edgerund.types import Card, LadderPlan, VariantPlan

UNMEASURED_W = 8.0
"""Watts above idle while inferring, for a card without an energy figure."""


class CardEntry(Strict):
    """One variant of a card set."""

    name: str
    accuracy: Annotated[float, Field(ge=0, le=1)]
    latency_ms: Annotated[float, Field(gt=0)]
    latency_p99_ms: Annotated[float, Field(gt=0)] | None = None
    energy_mj: Annotated[float, Field(ge=0)] | None = None
    memory_bytes: Annotated[int, Field(ge=0)] | None = None
    load_ms: Annotated[float, Field(ge=0)] | None = None


class CardSet(Strict):
    """A ladder without model files: enough to simulate one."""

    name: str
    about: str = ""
    cards: Annotated[list[CardEntry], Field(min_length=1)]


def load_cards(path: Path) -> LadderPlan:
    """A card set (one YAML file with ``cards:``), or else a ladder folder or file.

    Raises:
        ConfigError: with file and line.
    """
    if path.is_dir() or path.name == "ladder.yaml":
        return load_ladder(path)
    found = validate(CardSet, read_yaml(path))
    return LadderPlan(
        name=found.name,
        task="detect",
        variants=tuple(
            VariantPlan(
                name=entry.name,
                file="",
                backend="fake",
                card=Card(**entry.model_dump(exclude={"name"})),
            )
            for entry in found.cards
        ),
    )


def truths(plan: LadderPlan) -> Sequence[Truth]:
    """What the plant needs of every variant; the world then makes each seed's board differ from the cards.

    Raises:
        LadderError: a variant without a measured latency or accuracy cannot be simulated.
    """
    return [_truth(plan, variant) for variant in plan.variants]


def _truth(plan: LadderPlan, variant: VariantPlan) -> Truth:
    card = variant.card
    if card.latency_ms is None or card.accuracy is None:
        raise LadderError(
            f"cannot simulate variant {variant.name!r} of ladder {plan.name!r}: its card has no "
            "latency_ms or no accuracy; measure it with `edgerund build` first"
        )
    p99 = card.latency_p99_ms or card.latency_ms * 1.25
    energy_j = (card.latency_ms * UNMEASURED_W if card.energy_mj is None else card.energy_mj) / 1000
    return Truth(
        name=variant.name,
        accuracy=card.accuracy,
        latency_ms=card.latency_ms,
        sigma=max(0.01, math.log(p99 / card.latency_ms) / 2.326),
        energy_j=energy_j,
        memory_bytes=card.memory_bytes or 0,
        load_ticks=max(1, math.ceil((card.load_ms or 1000.0) / 1000 / DT_S)),
        sensitivity=1.0,
    )
