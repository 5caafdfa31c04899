"""Live agreement: lowers what a variant counts for, by what is beyond doubt, and is forgotten in time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerund.policy import agreement
from edgerund.policy.agreement import ENOUGH, FORGET_S, MEMORY_FRAMES, Memory, wilson
from edgerund.policy.explain import explain
from edgerund.types import Card, LadderState, ServingFigures, Snapshot, VariantState
from edgerund.types.policy import LatencyLimit, Objective, PolicyPlan, ShadowTerms, Switching
from tests.policy.build import CARDS, Loop, ladder
from tests.policy.test_properties import LIMITS, histories

ACCURACIES = [card.accuracy or 0.0 for card in CARDS.values()]
ONE = ladder("int8")


def fed(
    share: float,
    frames: int,
    *,
    name: str = "int8",
    memory: Memory | None = None,
    start_s: float = 0.0,
) -> Memory:
    """The memory after ``frames`` windows of one frame, of which ``share`` agreed."""
    memory, owed = memory or {}, 0.0
    for i in range(frames):
        owed += share
        agreed = float(owed >= 1.0)
        owed -= agreed
        window = ServingFigures(shadow=name, shadowed=1, agreed=agreed)
        memory = agreement.observe(memory, window, ONE, start_s + i)
    return memory


def trusted(memory: Memory, name: str = "int8") -> float:
    return agreement.trusted(ACCURACIES, ONE, memory)[list(CARDS).index(name)]


def test_without_a_shadow_nothing_is_remembered_and_cards_count() -> None:
    memory = agreement.observe({}, ServingFigures(variant="int8", answered=50), ONE, 1.0)
    assert memory == {}
    assert agreement.trusted(ACCURACIES, ONE, memory) == ACCURACIES


def test_an_agreement_as_expected_changes_nothing() -> None:
    memory = fed(0.97, 400)
    assert trusted(memory) == CARDS["int8"].accuracy
    assert not memory["int8"].drifted


def test_a_fall_lowers_the_accuracy_in_proportion_and_is_told() -> None:
    memory = fed(0.6, 400, memory=fed(0.97, 400), start_s=400.0)
    seen = memory["int8"]
    assert seen.drifted
    assert abs(seen.agreed / seen.frames - 0.6) < 0.08  # the good times still weigh a little
    share = trusted(memory) / (CARDS["int8"].accuracy or 1.0)
    assert 0.55 < share < 0.8


def test_a_few_frames_prove_nothing() -> None:
    memory = fed(0.0, 3)
    assert not memory["int8"].drifted
    assert trusted(memory) == CARDS["int8"].accuracy


def test_what_is_hardly_seen_is_believed_to_have_fallen_as_far_as_the_next_better_one() -> None:
    memory = fed(0.6, 300, memory=fed(0.97, 300), start_s=300.0)
    ratio = trusted(memory) / (CARDS["int8"].accuracy or 1.0)
    assert trusted(memory, "tiny") == pytest.approx(ratio * (CARDS["tiny"].accuracy or 1.0))
    assert agreement.trusted(ACCURACIES, ONE, memory)[0] == CARDS["fp16"].accuracy
    seen_too = fed(0.95, 100, name="tiny", memory=memory, start_s=600.0)
    assert trusted(seen_too, "tiny") == CARDS["tiny"].accuracy


def test_the_card_says_what_is_expected() -> None:
    cards = {**CARDS, "int8": replace(CARDS["int8"], agreement=0.99)}
    one = ladder("int8", cards=cards)
    memory = agreement.observe(fed(0.94, 300), ServingFigures(), one, 300.0)
    assert memory["int8"].drifted  # 94 % are good, but not for one that should say the same in 99 %
    assert not fed(0.94, 300)["int8"].drifted


def test_it_recovers_with_new_frames_quickly_and_with_time_slowly() -> None:
    fallen = fed(0.5, 400, memory=fed(0.97, 300), start_s=300.0)
    assert trusted(fed(0.97, int(3 * MEMORY_FRAMES), memory=fallen, start_s=700.0)) > 0.9
    later = agreement.observe(fallen, ServingFigures(), ONE, 700.0 + FORGET_S)
    assert later["int8"].frames == pytest.approx(fallen["int8"].frames / 2, rel=0.01)
    assert agreement.observe(later, ServingFigures(), ONE, 1e6)["int8"].drifted is False


@given(st.floats(0.0, 1.0), st.floats(0.01, 1e4), st.floats(0.1, 4.0))
def test_the_interval_encloses_the_share_and_stays_within_0_and_1(
    share: float, frames: float, z: float
) -> None:
    low, high = wilson(share * frames, frames, z)
    assert 0.0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1.0


windows = st.builds(
    ServingFigures,
    shadow=st.sampled_from([None, "fp16", "int8", "tiny", "elsewhere"]),
    shadowed=st.integers(-5, 500),
    agreed=st.floats(allow_nan=True, allow_infinity=True),
)


@given(st.lists(st.tuples(st.floats(-10.0, 1e5), windows), max_size=40))
def test_unknown_may_only_lower_whatever_was_seen(
    history: list[tuple[float, ServingFigures]],
) -> None:
    memory: Memory = {}
    for now_s, window in history:
        memory = agreement.observe(memory, window, ONE, now_s)
    found = agreement.trusted(ACCURACIES, ONE, memory)
    assert found[0] == ACCURACIES[0]
    assert all(0.0 <= a <= card + 1e-12 for a, card in zip(found, ACCURACIES, strict=True))
    assert set(memory) <= set(CARDS)
    assert all(
        math.isfinite(s.agreed) and 0 <= s.agreed <= s.frames + 1e-9 for s in memory.values()
    )


@given(st.integers(40, 200), st.integers(0, 40), st.integers(1, 40))
def test_less_agreement_never_counts_for_more(frames: int, missed: int, more: int) -> None:
    some = fed(1.0 - missed / 200, frames)
    less = fed(max(0.0, 1.0 - (missed + more) / 200), frames)
    assert trusted(less) <= trusted(some) + 0.02


# ---------------------------------------------------------------- in the decision
QUICK = Switching(dwell_s=0.0, max_per_hour=3600.0, cost_s=0.0)
THRIFTY = PolicyPlan(
    "thrifty",
    objective=Objective("energy", accuracy_floor=0.8),
    switching=QUICK,
    shadow=ShadowTerms(),
)


def shadowed(name: str, share: float) -> Callable[[LadderState], LadderState]:
    """Twenty frames of the shadow per tick, at a rate that leaves also the best one some time."""

    def change(one: LadderState) -> LadderState:
        seen = replace(one.serving, answered=8, shadow=name, shadowed=20, agreed=20.0 * share)
        return replace(one, serving=seen)

    return change


def test_the_shadow_asks_the_best_one_and_while_that_serves_the_others_in_turn() -> None:
    loop = Loop(THRIFTY, live="tiny")
    decision = loop.run(3)
    assert decision.shadow is not None
    assert decision.shadow.variant == "fp16"
    assert decision.warm[-1] == "fp16"
    best = Loop(PolicyPlan("best", switching=QUICK, shadow=ShadowTerms()), live="fp16")
    asked = [best.tick(shadowed(name, 1.0)).shadow for name in ("int8", "tiny", "nano") * 3]
    assert {s.variant for s in asked if s is not None} == {"int8", "tiny", "nano"}


def test_without_the_key_there_is_none() -> None:
    decision = Loop(replace(THRIFTY, shadow=None), live="tiny").run(3)
    assert (decision.shadow, decision.agreements) == (None, ())


def test_where_the_scene_drifts_a_better_variant_serves_and_the_reason_is_told() -> None:
    loop = Loop(THRIFTY, live="tiny")
    assert loop.run(30, shadowed("tiny", 0.95)).variant == "tiny"
    decision = loop.run(30, shadowed("tiny", 0.6))
    assert decision.variant == "int8"
    (seen,) = decision.agreements
    assert (seen.variant, seen.drifted) == ("tiny", True)
    assert seen.accuracy < 0.8
    assert "the scene has drifted" in explain(decision)
    floor = {r.variant: r.reason for r in decision.rejected}["tiny"]
    assert (floor.code, floor.observed) == ("floor", seen.accuracy)
    # the shadow sees that it is over
    assert loop.run(60, shadowed("tiny", 0.95)).variant == "tiny"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"queue_depth": 3}, "frames wait"),
        ({"refused": 1}, "frames wait"),
        ({"infer_ms_mean": 48.0, "infer_ms_p50": 48.0}, "the engine is busy"),
    ],
)
def test_it_rests_where_frames_need_the_engine(change: dict[str, float], why: str) -> None:
    loop = Loop(THRIFTY, live="tiny")

    def pressed(one: LadderState) -> LadderState:
        return replace(one, serving=replace(one.serving, **change))  # type: ignore[arg-type]

    decision = loop.run(5, pressed)
    assert decision.shadow is None
    assert any(why in note for note in decision.notes)


def test_it_rests_near_a_limit() -> None:
    near = replace(THRIFTY, latency=LatencyLimit(9.8))
    decision = Loop(near, live="tiny").run(3)
    assert decision.variant in ("tiny", "nano")
    assert decision.shadow is None
    assert any("latency has" in note for note in decision.notes)
    far = Loop(replace(near, latency=LatencyLimit(1000.0)), live="tiny").run(3)
    assert far.shadow is not None


@settings(max_examples=100, deadline=None)
@given(histories(), st.floats(0.0, 1.0))
def test_it_never_runs_where_a_limit_has_less_left_than_the_policy_asks(
    history: tuple[object, Snapshot], headroom: float
) -> None:
    from edgerund.policy import State, decide

    state, snap = history
    assert isinstance(state, State)
    policy = replace(LIMITS, shadow=ShadowTerms(headroom=headroom))
    decision = decide(policy, state, snap)[1]["m"]
    if decision.shadow is not None:
        assert min(decision.headroom.values(), default=1.0) >= headroom
        assert decision.shadow.variant != decision.variant
    else:
        assert decision.changed or any("the shadow rests" in n for n in decision.notes)


def test_bare_cards_learn_what_to_expect_here() -> None:
    bare = tuple(VariantState(name, Card(), resident=True) for name in CARDS)
    one = LadderState("m", bare, "int8")
    memory: Memory = {}
    for i in range(400):
        agreed = 1.0 if i < 200 or i % 2 else 0.0
        window = ServingFigures(shadow="int8", shadowed=1, agreed=agreed)
        memory = agreement.observe(memory, window, one, float(i))
        if i == 199:
            assert memory["int8"].frames >= ENOUGH
            assert memory["int8"].best > 0.95
    assert memory["int8"].drifted
