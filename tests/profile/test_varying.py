"""Which frames a cascade is timed on."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from edgerund.profile.varying import in_proportion

ways = st.lists(st.integers(0, 3), min_size=1, max_size=300)


@given(ways, st.integers(1, 128), st.integers(0, 9))
def test_every_way_has_its_share(told: list[int], most: int, seed: int) -> None:
    picked = in_proportion(told, most, seed)
    assert len(picked) == len(set(picked))
    assert len(picked) >= min(most, len(told))
    assert len(picked) <= min(most, len(told)) + 4
    every, some = Counter(told), Counter(told[i] for i in picked)
    assert set(every) == set(some)  # not one way is left out
    for way, count in every.items():
        assert abs(some[way] - count * len(picked) / len(told)) <= 4
    assert picked == in_proportion(told, most, seed)


def test_the_rare_ones_are_there_and_the_order_is_mixed() -> None:
    told = [0] * 9800 + [1] * 190 + [2] * 10
    picked = in_proportion(told, 128, seed=0)
    counted = Counter(told[i] for i in picked)
    assert (counted[1], counted[2]) == (2, 1)
    assert picked != sorted(picked)
