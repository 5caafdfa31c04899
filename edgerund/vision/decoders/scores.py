"""Scores of a classifier: logits that need a softmax, or probabilities that a model gives itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from edgerund.ports import Array
    from edgerund.types import IOSpec


def softmax(logits: Array) -> Array:
    """exp(x - max) / sum, in float64: no input overflows."""
    weights = np.exp(logits.astype(np.float64) - float(logits.max()))
    scores: Array = weights / weights.sum()
    return scores


class Logits:
    """The output holds logits, one per class, in any shape that holds nothing else."""

    OPTIONS: frozenset[str] = frozenset()

    def __init__(self, options: Mapping[str, Any], spec: IOSpec) -> None:
        pass  # no options of its own, and the task checks the output's size against the labels

    def __call__(self, outputs: Sequence[Array]) -> Array:
        """Scores that sum to 1, float64 [classes]."""
        return softmax(outputs[0].reshape(-1))


class Probabilities(Logits):
    """The model ends in a softmax or sigmoid of its own: scores are taken as they are."""

    def __call__(self, outputs: Sequence[Array]) -> Array:
        """Scores, float64 [classes]."""
        return outputs[0].reshape(-1).astype(np.float64)
