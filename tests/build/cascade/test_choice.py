"""How a cascade's thresholds are chosen: the arithmetic of every point, and which one is taken."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgerund.build.cascade.choice import Point, allowed, at, choose, coarse, curve, points

COSTS = (1.0, 4.0, 16.0)
images = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.floats(0.1, 1), st.floats(0.1, 1)),
    min_size=2,
    max_size=50,
)


@given(images)
def test_each_point_says_what_the_rule_would_have_answered(
    told: list[tuple[bool, bool, bool, float, float]],
) -> None:
    *right, first, second = (np.array(column, np.float64) for column in zip(*told, strict=True))
    found = points(right, [first, second], COSTS, 1)
    assert found[0].at_least == (0.0, 0.0)
    assert found[0].reached == (0.0, 0.0)
    for point in found:
        answered = [
            a if s1 >= point.at_least[0] else b if s2 >= point.at_least[1] else c
            for a, b, c, s1, s2 in told
        ]
        assert point.accuracy == np.mean(answered)
        assert np.isclose(point.loss, np.mean(right[1]) - np.mean(answered))
        assert np.isclose(point.reached[0], np.mean([s < point.at_least[0] for s in first]))
        assert point.reached[1] <= point.reached[0]
        assert np.isclose(point.cost, 1 + 4 * point.reached[0] + 16 * point.reached[1])
        assert point.noise >= 0


def _point(at_least: float, accuracy: float, loss: float, noise: float, cost: float) -> Point:
    return Point((at_least,), accuracy, loss, noise, (cost - 1,), cost)


FOUND = [
    _point(0.0, 0.90, 0.03, 0.001, 1.0),
    _point(0.5, 0.928, 0.002, 0.0015, 1.1),
    _point(0.7, 0.929, 0.001, 0.001, 1.2),
    _point(0.8, 0.929, 0.001, 0.001, 1.3),
    _point(0.9, 0.93, 0.0, 0.0005, 1.4),
]


def test_the_cheapest_point_that_spares_two_standard_errors_is_chosen() -> None:
    assert choose(FOUND, 0.003).at_least == (0.7,)
    assert choose(FOUND, 0.04).at_least == (0.0,)


def test_where_none_is_allowed_the_most_accurate_is_chosen() -> None:
    best = choose(FOUND, 0.0005)
    assert best.at_least == (0.9,)
    assert not allowed(best, 0.0005)


def test_the_curve_leaves_out_what_costs_more_and_answers_no_better() -> None:
    assert [p.at_least[0] for p in curve(FOUND)] == [0.0, 0.5, 0.7, 0.9]


def test_an_answer_that_is_never_sure_always_goes_on() -> None:
    never = np.array([-np.inf, 0.5])
    point = at([0.0], [np.array([1.0, 1.0]), np.array([0.0, 0.0])], [never], (1.0, 2.0), 0)
    assert point.reached == (0.5,)
    assert point.accuracy == 0.5
    assert points([np.zeros(2), np.ones(2)], [np.full(2, -np.inf)], (1.0, 2.0), 1)


def test_many_members_get_a_coarser_grid_and_times_count_by_powers_of_two() -> None:
    right = [np.ones(20)] * 8
    sure = [np.linspace(0.1, 1, 20)] * 7
    assert len(points(right, sure, [1.0] * 8, 7)) <= 4096
    assert coarse([0.1, 0.19, 0.79]) == coarse([0.1, 0.21, 0.81]) == [1.0, 2.0, 8.0]
