from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgerund.vision.nms import suppress
from tests.vision.plans import Array


def naive(
    boxes: Array, scores: Array, classes: Array | None, threshold: float, limit: int
) -> list[int]:
    """The definition, pair by pair."""

    def area(b: Array) -> float:
        return float(max(b[2] - b[0], 0.0) * max(b[3] - b[1], 0.0))

    def too_close(a: int, b: int) -> bool:
        if classes is not None and classes[a] != classes[b]:
            return False
        p, q = boxes[a], boxes[b]
        shared = area(
            np.array([max(p[0], q[0]), max(p[1], q[1]), min(p[2], q[2]), min(p[3], q[3])])
        )
        return shared > threshold * (area(p) + area(q) - shared)

    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if len(kept) < limit and not any(too_close(i, k) for k in kept):
            kept.append(i)
    return kept


# whole coordinates and binary fractions: areas are exact, so that both ways agree to the last bit
corner = st.integers(-20, 60)
side = st.integers(0, 30)
box = st.tuples(corner, corner, side, side, st.integers(0, 8), st.integers(0, 3))


@given(
    st.lists(box, max_size=40),
    st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
    st.integers(1, 20),
    st.booleans(),
)
def test_it_agrees_with_the_definition(
    drawn: list[tuple[int, ...]], threshold: float, limit: int, aware: bool
) -> None:
    rows = np.array(drawn, np.float64).reshape(-1, 6)
    boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
    scores, classes = rows[:, 4] / 8, rows[:, 5].astype(np.int64) if aware else None
    got = suppress(boxes, scores, classes, threshold, limit)
    assert got.tolist() == naive(boxes, scores, classes, threshold, limit)


def test_far_classes_cost_no_precision() -> None:
    boxes = np.array([[0, 0, 10.0, 10], [0, 0, 10.0, 9.01]])
    for shared_class in (0, 79, 90_000):
        classes = np.full(2, shared_class)
        assert suppress(boxes, np.array([0.9, 0.8]), classes, 0.9, 10).tolist() == [0]
        assert suppress(boxes, np.array([0.9, 0.8]), classes, 0.902, 10).tolist() == [0, 1]


def test_nothing_in_nothing_out() -> None:
    assert suppress(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), 0.5, 10).tolist() == []
