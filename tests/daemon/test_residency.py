from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgerund.daemon.residency import FILE_FACTOR, UNKNOWN_BYTES, need_bytes, plan_residency
from edgerund.types import Card, VariantPlan

NAMES = ("a", "b", "c", "d")
name = st.sampled_from(NAMES)


def variant(card: Card) -> VariantPlan:
    return VariantPlan("v", "/v", "fake", card=card)


def test_what_was_measured_here_counts_before_the_card_and_the_card_before_the_file() -> None:
    card = Card(memory_bytes=20, file_bytes=30)
    assert need_bytes(variant(card), {"v": 10}) == 10
    assert need_bytes(variant(card), {"other": 10}) == 20
    assert need_bytes(variant(Card(file_bytes=30)), {}) == FILE_FACTOR * 30
    assert need_bytes(variant(Card()), {}) == UNKNOWN_BYTES


def test_everything_stays_where_there_is_room() -> None:
    need = dict.fromkeys(NAMES, 10)
    plan = plan_residency("a", "a", "d", ["b", "c"], need, 100)
    assert plan.keep == ("a", "d", "b", "c")
    assert not plan.break_first


def test_the_cheapest_stays_before_what_is_only_forecast() -> None:
    plan = plan_residency("a", "a", "d", ["b", "c"], dict.fromkeys(NAMES, 10), 20)
    assert plan.keep == ("a", "d")


def test_two_that_do_not_fit_break_first() -> None:
    plan = plan_residency("b", "a", "d", [], dict.fromkeys(NAMES, 10), 15)
    assert plan.break_first
    assert plan.keep == ("b",)


def test_the_live_one_alone_never_breaks() -> None:
    assert not plan_residency("a", "a", "d", [], dict.fromkeys(NAMES, 10), 1).break_first
    assert not plan_residency("a", "", "d", [], dict.fromkeys(NAMES, 10), 1).break_first


@given(
    chosen=name,
    live=st.sampled_from(("", *NAMES)),
    cheapest=name,
    warm=st.lists(name, max_size=6),
    need=st.fixed_dictionaries({n: st.integers(0, 100) for n in NAMES}),
    budget=st.integers(0, 300),
)
def test_the_chosen_one_stays_and_the_rest_fits(
    chosen: str, live: str, cheapest: str, warm: list[str], need: dict[str, int], budget: int
) -> None:
    plan = plan_residency(chosen, live, cheapest, warm, need, budget)
    assert plan.keep[0] == chosen
    assert len(set(plan.keep)) == len(plan.keep)
    assert set(plan.keep) <= {chosen, cheapest, *warm}
    together = set(plan.keep) | ({live} if live and not plan.break_first else set())
    if len(together) > 1:
        assert sum(need[n] for n in together) <= budget
