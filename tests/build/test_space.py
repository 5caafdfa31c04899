"""What a search may vary: read, checked, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from edgerund.build.recipe import SearchStep
from edgerund.build.space import corners, draw, mistakes


class First:
    """Draws the first choice and the lowest number, and remembers what it was asked."""

    def __init__(self, taken: bool = True) -> None:
        self.taken = taken
        self.asked: dict[str, Any] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        self.asked[name] = list(choices)
        return self.taken if name.endswith("taken") else choices[0]

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        self.asked[name] = (low, high, step, log)
        return low

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None, log: bool
    ) -> float:
        self.asked[name] = (low, high, step, log)
        return low


def step(**params: Any) -> SearchStep:
    return SearchStep.model_validate({"use": "share", **params})


def test_what_is_fixed_stays_and_what_varies_is_drawn() -> None:
    trial = First()
    steps = [
        step(bits={"between": [3, 6]}, channel_scales={"choose": [True, False]}, least=64),
        step(optional=True, macs={"between": [0.3, 0.9], "step": 0.1}),
        step(energy={"between": [0.01, 1.0], "log": True}),
    ]
    assert draw(steps, trial) == [
        (0, {"bits": 3, "channel_scales": True, "least": 64}),
        (1, {"macs": 0.3}),
        (2, {"energy": 0.01}),
    ]
    assert trial.asked["0.bits"] == (3, 6, 1, False)
    assert trial.asked["1.macs"] == (0.3, 0.9, 0.1, False)
    assert trial.asked["2.energy"] == (0.01, 1.0, None, True)


def test_an_optional_step_may_be_left_out() -> None:
    steps = [step(bits=4), step(optional=True, bits={"between": [3, 6]})]
    trial = First(taken=False)
    assert draw(steps, trial) == [(0, {"bits": 4})]
    assert "1.bits" not in trial.asked


def test_choices_may_be_lists() -> None:
    chosen = draw([step(methods={"choose": [["minmax"], ["minmax", "mse"]]})], First())
    assert chosen == [(0, {"methods": ["minmax"]})]


@pytest.mark.parametrize(
    "wrong",
    [
        {"choose": []},
        {"choose": 3},
        {"choose": [1], "step": 1},
        {"between": [1]},
        {"between": [2, 1]},
        {"between": ["a", "b"]},
        {"between": [0, 1], "log": True},
        {"between": [1, 2], "step": 0},
        {"between": [1, 2], "log": True, "step": 1},
        {"between": [1, 2], "steps": 1},
        {"between": [True, False]},
    ],
)
def test_variation_that_makes_no_sense_is_a_mistake(wrong: dict[str, Any]) -> None:
    assert [key for key, _ in mistakes(step(bits=wrong))] == ["bits"]


def test_corners_use_every_value_that_is_written() -> None:
    found = list(corners(step(bits={"between": [3, 6]}, least={"choose": [1, 2, 3]}, rounds=5)))
    assert {each["bits"] for each in found} == {3, 6}
    assert {each["least"] for each in found} == {1, 2, 3}
    assert {each["rounds"] for each in found} == {5}
