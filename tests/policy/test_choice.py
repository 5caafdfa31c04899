"""Knapsack, bucket, rules and senses."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from edgerund.policy import rules
from edgerund.policy.budget import choose
from edgerund.policy.senses import Sensed, SenseMemory, sense
from edgerund.policy.switching import SwitchMemory, refill, switched, token_left_s
from edgerund.types import NoData, Reading
from edgerund.types.policy import Condition, Rule, Switching, VariantRef


class Option(NamedTuple):
    place: int
    score: float
    load_mw: float


steps = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 10_000.0)), min_size=1, max_size=5)


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, min_size=1, max_size=4), st.floats(0.0, 30_000.0))
def test_the_knapsack_is_as_good_as_trying_everything(
    ladders: list[list[tuple[float, float]]], ceiling_mw: float
) -> None:
    options = [[Option(i, s, c) for i, (s, c) in enumerate(one)] for one in ladders]
    fitting = [
        sum(o.score for o in combo)
        for combo in itertools.product(*options)
        if sum(o.load_mw for o in combo) <= ceiling_mw
    ]
    found = choose(options, ceiling_mw)
    assert (found is None) == (not fitting)
    if found is not None:
        assert sum(o.load_mw for o in found) <= ceiling_mw + 1e-6
        assert math.isclose(sum(o.score for o in found), max(fitting), abs_tol=1e-9)


def test_many_ladders_are_thinned_out_and_still_fit() -> None:
    ladders = [
        [Option(i, math.sqrt(8 - i) + 0.01 * n, (8 - i) * 100.0 + 7.0 * n) for i in range(8)]
        for n in range(12)
    ]
    found = choose(ladders, 6000.0)
    assert found is not None
    assert 5500.0 <= sum(o.load_mw for o in found) <= 6000.0


def test_no_hour_pays_more_than_the_bucket_allows() -> None:
    terms = Switching(max_per_hour=30.0)
    memory = refill(SwitchMemory("a"), terms, 0.0)
    paid = []
    for second in range(4 * 3600):
        memory = refill(memory, terms, float(second))
        if token_left_s(memory, terms) == 0.0:
            memory = switched(
                memory, terms, "b" if memory.chosen == "a" else "a", "best", float(second)
            )
            paid.append(second)
    assert len(paid) > 60
    assert all(sum(1 for p in paid if t <= p < t + 3600) <= 30 for t in range(0, 3 * 3600, 60))


NAMES = ("a", "b", "c", "d", "e")
ACCURACIES = (0.9, 0.85, 0.8, None, 0.6)


def test_places_and_accuracies_name_variants() -> None:
    def place(anchor: str, **more: object) -> int | None:
        return rules.resolve(VariantRef(anchor, **more), NAMES, ACCURACIES)  # type: ignore[arg-type]

    assert place("top") == 0
    assert place("top", offset=1) == 1
    assert place("middle") == 2
    assert place("bottom") == 4
    assert place("bottom", offset=-1) == 3
    assert place("bottom", offset=-99) == 0
    assert place("name", name="c") == 2
    assert place("name", name="z") is None
    assert place("accuracy", accuracy=0.8) == 2
    assert place("accuracy", accuracy=0.99) == 0
    assert rules.resolve(VariantRef("top", name="bottom"), ("x", "bottom"), (None, None)) == 1


def test_a_condition_on_a_lost_sense_keeps_what_lowers_and_drops_what_raises() -> None:
    low = Condition("battery_percent", below=15.0)
    for verb, kept in (
        ("at_most", True),
        ("exclude", True),
        ("at_least", False),
        ("exactly", False),
    ):
        rule = Rule((low,), verb, (VariantRef("top"),))  # type: ignore[arg-type]
        active = rules.update(
            [rule], (), {"battery_percent": Sensed("battery_percent", "fresh", 10.0)}
        )
        assert active == ((True,),)
        assert rules.update(
            [rule], active, {"battery_percent": Sensed("battery_percent", "lost")}
        ) == ((kept,),)


def test_missing_is_a_condition_of_its_own() -> None:
    rule = Rule((Condition("temp_c", missing=True),), "at_most", (VariantRef("bottom"),))
    assert rules.update([rule], (), {"temp_c": Sensed("temp_c", "absent")}) == ((True,),)
    assert rules.update([rule], (), {"temp_c": Sensed("temp_c", "fresh", 1.0)}) == ((False,),)


def test_a_sense_ages_before_it_is_lost_and_is_absent_if_it_never_was() -> None:
    seen, memory = sense("temp_c", Reading("temp_c", 50.0, "C", 0.1, "x"), None, 10.0, 5.0)
    assert (seen.kind, seen.value) == ("fresh", 50.0)
    gone = NoData("temp_c", "offline", "no answer")
    aged, memory = sense("temp_c", gone, memory, 12.0, 5.0)
    assert (aged.kind, aged.value) == ("aged", 50.0)
    lost, _ = sense("temp_c", gone, memory, 16.0, 5.0)
    assert lost.kind == "lost"
    assert "no answer" in lost.detail
    assert sense("temp_c", gone, None, 16.0, 5.0)[0].kind == "absent"
    assert sense("temp_c", None, None, 16.0, 5.0)[0].kind == "absent"


def test_a_broken_sensor_is_lost_even_if_it_never_worked() -> None:
    for reading in (
        Reading("temp_c", -274.0, "C", 0.0, "x"),
        Reading("temp_c", math.nan, "C", 0.0, "x"),
        Reading("battery_percent", 255.0, "%", 0.0, "x"),
        NoData("temp_c", "frozen"),
    ):
        assert sense(reading.name, reading, None, 0.0, 5.0)[0].kind == "lost", reading


def test_an_old_reading_is_lost_and_keeps_its_memory() -> None:
    old = Reading("temp_c", 50.0, "C", 30.0, "x")
    seen, memory = sense("temp_c", old, SenseMemory(49.0, 70.0, 70.0), 100.0, 5.0)
    assert seen.kind == "lost"
    assert memory is not None
