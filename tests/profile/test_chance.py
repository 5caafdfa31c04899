"""Whether a difference in accuracy is more than chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.profile.chance import chance, chances, level


def answers(both: int, ours: int, theirs: int, neither: int = 0) -> tuple[np.ndarray, np.ndarray]:
    one = [True] * both + [True] * ours + [False] * (theirs + neither)
    other = [True] * both + [False] * ours + [True] * theirs + [False] * neither
    return np.array(one), np.array(other)


def test_the_table_of_a_book() -> None:
    """Agresti, Categorical Data Analysis (2002), 10.1: 150 and 86 who changed their mind; z = 4.17."""
    assert chance(*answers(794, 150, 86, 570)) == pytest.approx(3.7e-5, rel=0.05)
    assert chance(*answers(0, 1, 9)) == pytest.approx(22 / 1024)
    assert chance(*answers(5, 0, 5)) == pytest.approx(2 / 32)


def test_equals_are_equal() -> None:
    assert chance(*answers(90, 0, 0, 10)) == 1.0
    assert chance(*answers(90, 7, 7, 10)) == 1.0


def test_thousands_of_differences_are_no_number_too_small() -> None:
    assert chance(*answers(0, 4000, 100)) == pytest.approx(0.0, abs=1e-12)
    assert 0.05 < chance(*answers(0, 5000, 5100)) < 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_it_is_the_binomial_law(ours: int, theirs: int) -> None:
    total = ours + theirs
    tail = sum(math.comb(total, k) for k in range(min(ours, theirs) + 1)) / 2**total
    wanted = 1.0 if ours == theirs else min(1.0, 2 * tail)
    assert chance(*answers(3, ours, theirs)) == pytest.approx(wanted)
    assert chance(*answers(3, theirs, ours)) == pytest.approx(wanted)


def test_pairs_are_found_either_way_and_unknown_ones_are_not_level() -> None:
    one, other = answers(90, 3, 4)
    known = chances({"a": one, "b": other, "c": ~one})
    assert set(known) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert level(known, "a", "b")
    assert level(known, "b", "a")
    assert not level(known, "a", "c")
    assert not level(known, "a", "d")
