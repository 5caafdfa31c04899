"""What two answers have in common, task by task."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.serve.agreement import in_common
from edgerund.types import GoldenPlan, LadderPlan
from edgerund.wire import Reply, pack


def reply(boxes: list[list[float]] | None = None, **result: Any) -> Reply:
    return Reply(result=result if boxes is None else {"boxes": boxes, **result})


def ladder(task: Any, **more: Any) -> LadderPlan:
    return LadderPlan("x", task, (), **more)


def found(*boxes: tuple[float, float, float, float, int]) -> Reply:
    return reply([list(b[:4]) for b in boxes], classes=[b[4] for b in boxes])


def test_classify_counts_the_best_class_alone() -> None:
    one = ladder("classify")
    assert in_common(one, reply(classes=[3, 5]), reply(classes=[3, 1])) == 1.0
    assert in_common(one, reply(classes=[3, 5]), reply(classes=[5, 3])) == 0.0


def test_detect_is_the_f1_of_the_boxes() -> None:
    one = ladder("detect")
    car, dog = (0, 0, 10, 10, 2), (50, 50, 60, 70, 7)
    assert in_common(one, found(car, dog), found(dog, car)) == 1.0
    assert in_common(one, found(car), found(car, dog)) == pytest.approx(2 / 3)
    assert in_common(one, found(car), found()) == 0.0
    assert in_common(one, found((0, 0, 10, 10, 3)), found(car)) == 0.0  # another class
    assert in_common(one, found((0, 0, 10, 8, 2)), found(car)) == 1.0  # IoU 0.8
    assert in_common(one, found((0, 0, 10, 4, 2)), found(car)) == 0.0  # IoU 0.4
    assert in_common(one, found(car, car), found(car)) == pytest.approx(2 / 3)  # one box, once
    assert in_common(one, found(), found()) is None  # an empty scene says nothing


def test_tensor_holds_the_golden_tolerance() -> None:
    def tensor(*arrays: list[float]) -> Reply:
        heads, payload = pack([np.array(a, np.float32) for a in arrays], ())
        return Reply(tensors=heads, payload=payload)

    one = ladder("tensor", golden=GoldenPlan("golden.npz", tolerance=0.05))
    assert in_common(one, tensor([1.0, 2.0]), tensor([1.01, 2.0])) == 1.0
    assert in_common(one, tensor([1.0, 2.0]), tensor([1.5, 2.0])) == 0.0
    assert in_common(one, tensor([1.0]), tensor([1.0, 2.0])) is None
    assert in_common(one, tensor(), tensor()) is None


box = st.tuples(*[st.integers(0, 20)] * 4, st.integers(0, 2)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3], b[4])
)


@given(st.lists(box, max_size=8), st.lists(box, max_size=8))
def test_it_lies_between_0_and_1_and_is_1_with_itself(ours: list[Any], theirs: list[Any]) -> None:
    one = ladder("detect")
    value = in_common(one, found(*ours), found(*theirs))
    assert value is None if not ours and not theirs else 0.0 <= (value or 0.0) <= 1.0
    real = [b for b in ours if b[2] > b[0] and b[3] > b[1]]
    assert in_common(one, found(*real), found(*real)) == (1.0 if real else None)
