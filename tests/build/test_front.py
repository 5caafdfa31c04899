"""What nothing beats, and which of it is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgerund.build.front import Figures, front, thinned

SOME = st.lists(
    st.builds(
        Figures,
        st.integers(0, 6).map(lambda n: n / 6),
        st.integers(1, 6).map(float),
        st.integers(1, 6),
    ),
    min_size=1,
    max_size=24,
)


@given(SOME)
def test_nothing_on_the_front_is_beaten_and_all_else_is(found: list[Figures]) -> None:
    kept = front(found)
    assert kept
    assert not any(other.beats(found[i]) for i in kept for other in found)
    for i, each in enumerate(found):
        if i not in kept:
            assert any(found[j].beats(each) or found[j] == each for j in kept)


@given(SOME)
def test_the_front_is_told_from_the_most_accurate_down(found: list[Figures]) -> None:
    accuracies = [found[i].accuracy for i in front(found)]
    assert accuracies == sorted(accuracies, reverse=True)


@given(SOME, st.integers(1, 6))
def test_thinning_keeps_the_ends_and_the_order(found: list[Figures], most: int) -> None:
    kept = front(found)
    few = thinned(found, kept, most)
    assert len(few) == min(most, len(kept))
    assert few == [i for i in kept if i in few]
    assert kept[0] in few
    if most > 1:
        assert min(found[i].latency for i in few) == min(found[i].latency for i in kept)


def test_equal_figures_count_once() -> None:
    assert front([Figures(0.5, 1.0, 3)] * 3) == [0]


def test_a_figure_does_not_beat_itself() -> None:
    assert not Figures(0.5, 1.0, 3).beats(Figures(0.5, 1.0, 3))
