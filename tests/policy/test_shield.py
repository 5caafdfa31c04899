"""No learned policy breaks a limit, whatever it proposes; what only taste stands against is taken."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerund.policy import State, decide, initial
from edgerund.policy.decide import Weighed, conclude, weigh
from edgerund.policy.gate import load_mw
from edgerund.policy.learned import Question, advised, observation, questions, width
from edgerund.policy.power import total_mw
from edgerund.policy.shield import allowed, shield
from edgerund.types import Card, Decision, Hold, Proposal, Snapshot
from edgerund.types.policy import (
    LatencyLimit,
    LearnedTerms,
    Objective,
    PolicyPlan,
    PowerLimit,
    Switching,
    TempLimit,
)
from tests.policy.build import CARDS, NAMES, Loop, ladder, served, snapshot
from tests.policy.test_properties import LIMITS, any_policy, any_snapshot, histories

LEARNED = LearnedTerms("net.onnx")
CALM = PolicyPlan(
    "calm", latency=LatencyLimit(60.0), switching=Switching(dwell_s=10.0), learned=LEARNED
)
THRIFTY = replace(CALM, objective=Objective("energy", accuracy_floor=0.8))
TASTE = ("best", "energy")


def proposing(policy: PolicyPlan, state: State, snap: Snapshot, **names: str) -> Weighed:
    said = {ladder: Proposal(name) for ladder, name in names.items()}
    return shield(policy, weigh(policy, state, snap), said)


def decided(policy: PolicyPlan, state: State, snap: Snapshot, **names: str) -> dict[str, Decision]:
    return dict(conclude(policy, proposing(policy, state, snap, **names))[1])


def settled(policy: PolicyPlan, live: str = "fp16", ticks: int = 30) -> State:
    state = initial(policy)
    for second in range(ticks):
        state, _ = decide(policy, state, snapshot(float(second), ladder(live)))
    return state


class Advised(Loop):
    """The loop that plays the daemon, with somebody who proposes the same variant at every tick."""

    proposal: str | None = None

    def tick(self, change=lambda one: one, **values: float | None) -> Decision:  # type: ignore[no-untyped-def]
        one = change(ladder(self.live, since_s=self.since_s))
        snap = snapshot(self.now_s, one, **values)
        said = {"m": Proposal(self.proposal)} if self.proposal else {}
        self.state, found = advised(self.policy, self.state, snap, lambda _asked: said)
        if found["m"].changed:
            self.live, self.since_s = found["m"].variant, self.now_s
        self.now_s += 1.0
        self.decisions.append(found["m"])
        return found["m"]


def test_what_only_the_objective_rejected_is_taken_with_its_reason() -> None:
    state, snap = settled(CALM), snapshot(30.0, ladder("fp16"))
    taken = decided(CALM, state, snap, m="tiny")["m"]
    assert (taken.variant, taken.reason.code, taken.changed) == ("tiny", "learned", True)
    assert taken.reason.text == "the learned policy prefers tiny to fp16"
    codes = {r.variant: r.reason.code for r in taken.rejected}
    assert codes == {"fp16": "learned", "int8": "learned", "nano": "best"}
    assert (taken.voluntary, taken.since_s, taken.proposal) == (True, 30.0, Proposal("tiny"))


def test_what_is_proposed_and_chosen_anyway_is_no_matter_of_the_learned_policy() -> None:
    state, snap = settled(CALM), snapshot(30.0, ladder("fp16"))
    usual, same = decide(CALM, state, snap)[1]["m"], decided(CALM, state, snap, m="fp16")["m"]
    assert same == replace(usual, proposal=Proposal("fp16"))


@pytest.mark.parametrize(
    ("proposal", "note"),
    [
        (Proposal(None, "no answer"), "the learned policy has no say: no answer"),
        (
            Proposal("odd"),
            "the learned policy has no say: it proposes 'odd', which this ladder does not have",
        ),
    ],
)
def test_no_proposal_or_an_odd_one_leaves_the_decision_and_is_noted(
    proposal: Proposal, note: str
) -> None:
    state, snap = settled(CALM), snapshot(30.0, ladder("fp16"))
    usual_state, usual = decide(CALM, state, snap)
    after, found = conclude(CALM, shield(CALM, weigh(CALM, state, snap), {"m": proposal}))
    assert after == usual_state
    assert (found["m"].variant, found["m"].reason) == (usual["m"].variant, usual["m"].reason)
    assert found["m"].notes == (*usual["m"].notes, note)


def test_a_proposal_for_a_ladder_that_is_not_there_is_nothing() -> None:
    state, snap = settled(CALM), snapshot(30.0, ladder("fp16"))
    assert decided(CALM, state, snap, other="tiny") == decide(CALM, state, snap)[1]


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("quarantine", {"quarantined": "tiny"}),
        ("hold", {"hold": Hold("fp16", "mine", None)}),
        ("dwell", {"since_s": 25.0}),
    ],
)
def test_a_proposal_gives_way_to_quarantine_hold_and_dwell(
    code: str, change: dict[str, object]
) -> None:
    snap = snapshot(30.0, ladder("fp16", **change))  # type: ignore[arg-type]
    found = decided(CALM, settled(CALM), snap, m="tiny")["m"]
    assert found.variant == "fp16"
    assert found.notes[-1] == f"the learned policy proposes tiny, refused: {code}"


def thrifty(names: str, **limits: object) -> tuple[PolicyPlan, State, Snapshot]:
    """Half a minute with the thriftiest variant above the floor at 20 frames a second, and the next tick."""
    policy = replace(THRIFTY, **limits)  # type: ignore[arg-type]
    state = initial(policy)
    ladders = [ladder("tiny", name=name, since_s=-60.0) for name in names]
    board = {"power_mw": 3000.0 + 600.0 * len(names), "temp_c": 60.0}
    for second in range(30):
        state, _ = decide(policy, state, snapshot(float(second), *ladders, **board))
    return policy, state, snapshot(30.0, *ladders, **board)


@pytest.mark.parametrize(
    ("limit_mw", "taken"), [(5100.0, "int8"), (5000.0, "tiny"), (4000.0, "tiny")]
)
def test_a_hungrier_proposal_needs_the_room_of_a_step_up(limit_mw: float, taken: str) -> None:
    # int8 would draw 3000 + 20 x 90 = 4800 mW, and must stay 5 % below the limit
    found = decided(*thrifty("m", power=PowerLimit(limit_mw)), m="int8")
    assert found["m"].variant == taken


def test_two_hungrier_proposals_are_judged_together() -> None:
    # 3600 + 4000 mW for one of them, 3000 + 8000 for both
    found = decided(*thrifty("ab", power=PowerLimit(10_000.0)), a="fp16", b="fp16")
    assert [d.variant for d in found.values()] == ["fp16", "tiny"]
    assert found["b"].notes[-1] == "the learned policy proposes fp16, refused: power"


def test_several_steps_up_at_once_need_the_room_of_a_leap() -> None:
    taken = {}
    for tenths in range(700, 800):
        terms = thrifty("m", temp=TempLimit(tenths / 10, margin_c=1.0))
        taken[tenths / 10] = [decided(*terms, m=name)["m"].variant for name in ("int8", "fp16")]
    assert ["int8", "tiny"] in taken.values(), "room for a step, not for two"
    for step, leap in taken.values():
        assert leap == "tiny" or step == "int8"


def test_nothing_hungrier_is_taken_while_a_sense_is_old() -> None:
    policy, state, snap = thrifty("m", power=PowerLimit(9000.0))
    old = replace(snap.senses["power_mw"], age_s=3.0)  # type: ignore[arg-type]
    snap = replace(snap, senses={**snap.senses, "power_mw": old})
    found = decided(policy, state, snap, m="fp16")["m"]
    assert found.variant == "tiny"
    assert found.notes[-1] == "the learned policy proposes fp16, refused: sensor_lost"


def test_an_alternating_proposer_keeps_dwell_and_bucket() -> None:
    loop = Advised(replace(CALM, switching=Switching(dwell_s=10.0, max_per_hour=30.0)), "fp16")
    for second in range(1800):
        loop.proposal = NAMES[second % 4]
        loop.tick()
    swaps = loop.swaps()
    assert 5 < len(swaps) <= 30
    times = [d.at_s for d in swaps]
    assert all(b - a >= 10.0 for a, b in itertools.pairwise(times))
    assert any(d.reason.code == "learned" for d in swaps)


def test_a_proposer_who_stays_is_not_undone_by_the_dwell() -> None:
    loop = Advised(CALM, "fp16")
    loop.proposal = "tiny"
    loop.run(200)
    assert loop.live == "tiny"
    assert len(loop.swaps()) == 1


@settings(max_examples=100, deadline=None)
@given(
    histories(),
    st.integers(0, 5),
    st.sampled_from([Objective(), Objective("energy", accuracy_floor=0.5)]),
)
def test_what_decide_rejected_for_a_limit_is_never_taken(
    history: tuple[State, Snapshot], place: int, objective: Objective
) -> None:
    state, snap = history
    policy = replace(LIMITS, objective=objective, learned=LEARNED)
    names = [v.name for v in snap.ladders["m"].variants]
    wanted = names[min(place, len(names) - 1)]
    usual = decide(policy, state, snap)[1]["m"]
    found = decided(policy, state, snap, m=wanted)["m"]
    if found.variant == usual.variant:
        return
    assert found.variant == wanted
    why = next(r.reason for r in usual.rejected if r.variant == wanted)
    assert why.code in TASTE or why.constraint == "gain", why


@st.composite
def worlds(draw: st.DrawFn) -> tuple[PolicyPlan, list[Snapshot], Mapping[str, str]]:
    """Two ladders, dominated variants among them, on a board whose limits are near; and what is proposed."""
    cards = {
        **CARDS,
        "odd": Card(accuracy=0.7, latency_ms=30.0, energy_mj=draw(st.floats(5.0, 400.0))),
    }
    policy = PolicyPlan(
        "near",
        objective=draw(st.sampled_from([Objective(), Objective(accuracy_per_watt=0.05)])),
        temp=TempLimit(80.0),
        power=PowerLimit(draw(st.floats(4000.0, 14_000.0))),
        learned=LEARNED,
    )
    live = {name: draw(st.sampled_from([*cards])) for name in ("a", "b")}
    rate_hz = draw(st.floats(1.0, 25.0))
    temp_c, drift_c = draw(st.floats(40.0, 79.0)), draw(st.floats(0.0, 0.3))
    snaps = []
    for second in range(draw(st.integers(12, 25))):
        ladders = [
            replace(
                ladder(on, name=name, cards=cards, serving=served("tiny", rate_hz)), since_s=-60.0
            )
            for name, on in live.items()
        ]
        drawn_mw = 3000.0 + sum((cards[on].energy_mj or 0.0) * rate_hz for on in live.values())
        snaps.append(
            snapshot(float(second), *ladders, temp_c=temp_c + drift_c * second, power_mw=drawn_mw)
        )
    said = {name: draw(st.sampled_from([*cards])) for name in live}
    return policy, snaps, said


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_heeded_proposals_together_stay_below_every_ceiling(
    world: tuple[PolicyPlan, list[Snapshot], Mapping[str, str]],
) -> None:
    policy, snaps, said = world
    state = initial(policy)
    for snap in snaps[:-1]:
        state, _ = decide(policy, state, snap)
    found = proposing(policy, state, snaps[-1], **said)
    if all(move.instead is None for move in found.picked):
        return
    drawn_mw = load_mw(found.tables, [m.place for m in found.picked])
    assert found.limits.broken(total_mw(found.state.power, drawn_mw)) is None


@settings(max_examples=150, deadline=None)
@given(any_policy(), st.lists(any_snapshot(), min_size=1, max_size=5), st.integers(0, 4))
def test_total_and_deterministic_on_any_snapshots_and_what_is_shown_is_bounded(
    policy: PolicyPlan, snapshots: list[Snapshot], place: int
) -> None:
    policy = replace(policy, learned=LEARNED)

    def advise(asked: Mapping[str, Question]) -> dict[str, Proposal]:
        for question in asked.values():
            assert len(question.seen) == width(len(question.variants))
            assert all(-10.0 <= number <= 10.0 for number in question.seen)
        return {name: Proposal(f"v{place}") for name in asked}

    state = initial(policy)
    for snap in snapshots:
        again = advised(policy, state, snap, advise)
        state, found = advised(policy, state, snap, advise)
        assert repr(again) == repr((state, found))
        assert set(found) == {n for n, one in snap.ladders.items() if one.variants}
        for name, decision in found.items():
            assert decision.variant in [v.name for v in snap.ladders[name].variants]


def test_the_network_is_shown_what_it_may_propose_and_only_of_its_ladders() -> None:
    policy = replace(CALM, learned=LearnedTerms("net.onnx", ladders=("m",)))
    state = initial(policy)
    snap = snapshot(0.0, ladder("fp16", quarantined="int8"), ladder("fp16", name="other"))
    for second in range(30):
        state, _ = decide(policy, state, replace(snap, now_s=float(second)))
    weighed = weigh(policy, state, replace(snap, now_s=30.0))
    assert allowed(policy, weighed, 0) == {0, 2, 3}
    seen = observation(policy, weighed, replace(snap, now_s=30.0), 0)
    assert [seen[5 + 5 * place + 3] for place in range(4)] == [1.0, 0.0, 1.0, 1.0]
    assert [seen[5 + 5 * place + 4] for place in range(4)] == [1.0, 0.0, 0.0, 0.0]
    asked = questions(policy, weighed, snap)
    assert {name: q.variants for name, q in asked.items()} == {"m": NAMES}
