from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgerund.cli.infer import as_data, render
from edgerund.client.answer import to_answer
from edgerund.errors import RequestError
from edgerund.wire import Failure, Reply, pack


def test_a_code_of_a_later_daemon_is_a_refusal_that_names_it() -> None:
    reply = Reply(error=Failure("quota", "cannot take more today"))
    with pytest.raises(RequestError, match=r"cannot take more today \(quota\)") as caught:
        to_answer(reply, 1.0, False)
    assert type(caught.value) is RequestError


def test_the_best_label_comes_with_its_score() -> None:
    result = {"labels": ["b", "a"], "scores": [0.9, 0.1], "classes": [1, 0]}
    answer = to_answer(Reply(result=result), 1.0, False)
    assert answer.classes == (1, 0)
    assert answer.top == ("b", 0.9)
    assert not answer.degraded


def test_an_answer_without_objects_is_empty_in_every_form() -> None:
    answer = to_answer(
        Reply(variant="v", task="detect", result={"boxes": [], "scores": [], "labels": []}),
        1.0,
        True,
    )
    assert answer.boxes.shape == (0, 4)
    assert answer.detections == ()
    assert answer.top is None
    assert answer.resent
    assert render(Path("a.png"), answer, 5).splitlines() == ["a.png: v, 1.00 ms", "  nothing"]


def test_raw_outputs_are_told_by_name_dtype_and_shape() -> None:
    heads, payload = pack([np.zeros((1, 4), np.float32), np.zeros(2, np.int64)], ["logits"])
    answer = to_answer(Reply("1", "v", "tensor", {}, heads, payload), 2.0, False)
    assert render(Path("t.npy"), answer, 5).splitlines()[1:] == [
        "  logits: float32 [1, 4]",
        "  output: int64 [2]",
    ]
    assert as_data(Path("t.npy"), answer)["outputs"] == [
        {"name": "logits", "dtype": "float32", "shape": [1, 4]},
        {"name": "", "dtype": "int64", "shape": [2]},
    ]
