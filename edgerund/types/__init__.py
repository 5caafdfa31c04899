"""Frozen messages with units: what the rooms say to each other. No behaviour, no imports from above."""

from __future__ import annotations

from edgerund.types.decision import (
    Agreement,
    Decision,
    Decisions,
    Floor,
    Proposal,
    Reason,
    Rejection,
    Shadow,
)
from edgerund.types.plan import (
    GoldenPlan,
    InputPlan,
    LadderPlan,
    OutputPlan,
    VariantPlan,
)
from edgerund.types.readings import NoData, Quality, Reading, Sense
from edgerund.types.snapshot import (
    Card,
    Hold,
    LadderState,
    ServingFigures,
    Snapshot,
    VariantState,
)
from edgerund.types.tensors import IOSpec, TensorSpec

__all__ = [
    "Agreement",
    "Card",
    "Decision",
    "Decisions",
    "Floor",
    "GoldenPlan",
    "Hold",
    "IOSpec",
    "InputPlan",
    "LadderPlan",
    "LadderState",
    "NoData",
    "OutputPlan",
    "Proposal",
    "Quality",
    "Reading",
    "Reason",
    "Rejection",
    "Sense",
    "ServingFigures",
    "Shadow",
    "Snapshot",
    "TensorSpec",
    "VariantPlan",
    "VariantState",
]
