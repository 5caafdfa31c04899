"""Accuracy that clients ask for: it lifts the variant, gives way to every limit, and is forgotten in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from edgerund.policy import State, decide, floors
from edgerund.policy.explain import explain
from edgerund.types import Decision, LadderState, Snapshot
from edgerund.types.policy import (
    ClientTerms,
    Objective,
    PolicyPlan,
    PowerLimit,
    Switching,
)
from tests.policy.build import CARDS, Loop
from tests.policy.test_properties import LIMITS, histories

QUICK = Switching(dwell_s=0.0, max_per_hour=3600.0, cost_s=0.0)
THRIFTY = PolicyPlan("thrifty", objective=Objective("energy", accuracy_floor=0.7), switching=QUICK)


def asking(accuracy: float | None) -> Callable[[LadderState], LadderState]:
    return lambda one: replace(one, serving=replace(one.serving, accuracy_asked=accuracy))


def powered(loop: Loop, ticks: int, accuracy: float) -> Decision:
    """A board of 2 W without inference whose rail follows what serves."""
    for _ in range(ticks):
        energy_mj = CARDS[loop.live].energy_mj if loop.live else None
        decision = loop.tick(asking(accuracy), power_mw=2000.0 + 20.0 * (energy_mj or 0.0))
    return decision


def test_a_wish_lifts_the_variant_and_is_forgotten() -> None:
    loop = Loop(THRIFTY, live="nano")
    assert loop.run(5).variant == "nano"
    lifted = loop.run(5, asking(0.9))
    assert lifted.variant == "int8"  # the least energy of those that have it
    assert lifted.floor is not None
    assert lifted.floor.met
    nano = {r.variant: r.reason for r in lifted.rejected}["nano"]
    assert (nano.code, nano.limit) == ("floor", 0.9)
    assert "clients ask for at least 0.9" in nano.text
    assert loop.run(8).variant == "int8"  # it holds for 10 s
    after = loop.run(5)
    assert (after.variant, after.floor) == ("nano", None)


def test_the_highest_wish_counts_and_the_next_one_after_it() -> None:
    loop = Loop(THRIFTY, live="nano")
    loop.run(3, asking(0.93))
    assert loop.run(3, asking(0.85)).variant == "fp16"
    assert loop.run(12, asking(0.85)).variant == "tiny"


def test_where_a_limit_leaves_less_the_closest_variant_serves_and_says_why() -> None:
    limited = replace(THRIFTY, power=PowerLimit(5000.0))
    decision = powered(Loop(limited, live="fp16"), 30, 0.93)
    assert decision.variant == "int8"
    assert decision.floor is not None
    assert not decision.floor.met
    assert decision.reason.code == "power"
    assert "clients ask for an accuracy of 0.93: it is not known to have that" in explain(decision)


def test_from_below_it_climbs_as_close_as_the_limits_allow() -> None:
    limited = replace(THRIFTY, power=PowerLimit(5000.0))
    assert powered(Loop(limited, live="nano"), 60, 0.93).variant == "int8"


def test_a_policy_may_cap_or_refuse_such_wishes() -> None:
    capped = replace(THRIFTY, clients=ClientTerms(max_accuracy=0.85))
    decision = Loop(capped, live="nano").run(5, asking(0.93))
    assert decision.variant == "tiny"
    assert decision.notes == ("clients ask for an accuracy of 0.93; the policy grants 0.85",)
    refused = replace(THRIFTY, clients=ClientTerms(max_accuracy=0.0))
    decision = Loop(refused, live="nano").run(5, asking(0.93))
    assert decision.variant == "nano"
    assert decision.notes == ("clients ask for an accuracy of 0.93; the policy grants none",)


wishes = st.lists(
    st.tuples(st.floats(0.0, 3.0), st.none() | st.floats(allow_nan=True, allow_infinity=True)),
    max_size=200,
)


@given(wishes, st.floats(0.5, 20.0))
def test_no_stream_of_wishes_grows_the_memory_or_invents_one(
    stream: list[tuple[float, float | None]], active_s: float
) -> None:
    now_s = 0.0
    memory: tuple[floors.Wish, ...] = ()
    said: list[tuple[float, float]] = []
    for step_s, asked in stream:
        now_s += step_s
        memory = floors.observe(memory, asked, now_s, active_s)
        if asked is not None and 0.0 < asked <= 1.0:
            said.append((now_s, asked))
        standing = [a for at_s, a in said if now_s - at_s < active_s]
        assert len(memory) <= floors.MOST
        if memory:
            assert memory[0].accuracy in standing
        if len(standing) <= floors.MOST:
            assert (memory[0].accuracy if memory else None) == max(standing, default=None)


LIMITED = {"temperature", "power", "battery", "memory", "latency", "quarantine", "sensor_lost"}


@settings(max_examples=120, deadline=None)
@given(histories(), st.floats(0.01, 1.0), st.booleans())
def test_a_wish_never_breaks_a_limit(
    history: tuple[State, Snapshot], asked: float, thrifty: bool
) -> None:
    state, snap = history
    policy = LIMITS
    if thrifty:
        policy = replace(LIMITS, objective=Objective("energy", accuracy_floor=0.01))
    plain = decide(policy, state, snap)[1]["m"]
    one = asking(asked)(snap.ladders["m"])
    wished = decide(policy, state, replace(snap, ladders={"m": one}))[1]["m"]
    why = {r.variant: r.reason.code for r in plain.rejected}
    if wished.variant != plain.variant:
        assert why[wished.variant] not in LIMITED, (why, wished.reason)
