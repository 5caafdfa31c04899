"""The contract of a ladder as a client may ask for it: what to send, what comes back, who answers."""

from __future__ import annotations

from typing import Any

from edgerund.serve.mail import Resident
from edgerund.types import LadderPlan
from edgerund.types.tensors import TensorSpec


def describe(ladder: LadderPlan, resident: Resident | None) -> dict[str, Any]:
    """JSON-ready. The engine's own signature is there only while one is live, and matters to task ``tensor``."""
    contract: dict[str, Any] = {
        "ladder": ladder.name,
        "task": ladder.task,
        "labels": list(ladder.labels) if len(ladder.labels) <= 1000 else len(ladder.labels),
        "max_bytes": ladder.max_bytes,
        "max_pixels": ladder.max_pixels,
        "variants": [
            {"name": v.name, "accuracy": v.card.accuracy, "latency_ms": v.card.latency_ms}
            for v in ladder.variants
        ],
    }
    if resident is not None:
        spec = resident.engine.spec
        contract["inputs"] = [_tensor(t) for t in spec.inputs]
        contract["outputs"] = [_tensor(t) for t in spec.outputs]
    return contract


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)}
