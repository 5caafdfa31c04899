"""Small networks as policies, each a real ONNX file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgerund.policy.learned import BOARD, VARIANT, width
from tests.engines.onnx_bytes import model, node, value


def likes(path: Path, place: int, variants: int, *, numbers: int | None = None) -> Path:
    """A network that gives the variant at ``place`` the highest score, whatever it sees."""
    numbers = width(variants) if numbers is None else numbers
    bias = np.zeros((1, variants), np.float32)
    bias[0, place] = 1.0
    path.write_bytes(
        model(
            [node("MatMul", ["seen", "w"], ["nothing"]), node("Add", ["nothing", "b"], ["scores"])],
            [value("seen", [1, numbers])],
            [value("scores", [1, variants])],
            {"w": np.zeros((numbers, variants), np.float32), "b": bias},
        )
    )
    return path


def best_allowed(path: Path, variants: int) -> Path:
    """A network that wants the most accurate variant among the allowed ones."""
    weights = np.zeros((width(variants), variants), np.float32)
    for place in range(variants):
        first = len(BOARD) + place * len(VARIANT)
        weights[first + VARIANT.index("accuracy"), place] = 1.0
        weights[first + VARIANT.index("allowed"), place] = 10.0
    path.write_bytes(
        model(
            [node("MatMul", ["seen", "w"], ["scores"])],
            [value("seen", [1, width(variants)])],
            [value("scores", [1, variants])],
            {"w": weights},
        )
    )
    return path


def answers_nan(path: Path, variants: int) -> Path:
    """A network whose scores are not numbers: 0 / 0."""
    numbers = width(variants)
    path.write_bytes(
        model(
            [
                node("MatMul", ["seen", "w"], ["zero"]),
                node("Div", ["zero", "zero"], ["scores"]),
            ],
            [value("seen", [1, numbers])],
            [value("scores", [1, variants])],
            {"w": np.zeros((numbers, variants), np.float32)},
        )
    )
    return path


def takes_long(path: Path, variants: int, side: int) -> Path:
    """A network that multiplies a ``side`` x ``side`` matrix by itself before it answers."""
    numbers = width(variants)
    path.write_bytes(
        model(
            [
                node("MatMul", ["seen", "w"], ["scores_before"]),
                # a shape that depends on the input, so that nothing of it is computed at loading
                node("ReduceSum", ["seen"], ["total"], keepdims=0),
                node("ConstantOfShape", ["side"], ["zeros"]),
                node("Add", ["zeros", "total"], ["big"]),
                node("MatMul", ["big", "big"], ["square"]),
                node("MatMul", ["square", "square"], ["fourth"]),
                node("ReduceSum", ["fourth"], ["sum"], keepdims=0),
                node("Mul", ["sum", "nought"], ["nothing"]),
                node("Add", ["scores_before", "nothing"], ["scores"]),
            ],
            [value("seen", [1, numbers])],
            [value("scores", [1, variants])],
            {
                "w": np.zeros((numbers, variants), np.float32),
                "side": np.array([side, side], np.int64),
                "nought": np.zeros((), np.float32),
            },
        )
    )
    return path
