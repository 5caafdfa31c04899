from __future__ import annotations

import pytest

from edgerund.policy.shield import allowed, shield
from edgerund.types import Decision, LadderState, Reason, Rejection, Snapshot

LIMITS = (
    "temperature",
    "power",
    "battery",
    "latency",
    "memory",
    "rule",
    "hold",
    "quarantine",
    "dwell",
    "budget",
)


def decided(code: str, ladder: str = "a") -> Decision:
    return Decision(
        ladder, "mid", Reason("best", ""), 7.0, rejected=(Rejection("other", Reason(code, "")),)
    )


def snapshot(live: str) -> Snapshot:
    return Snapshot(7.0, ladders={name: LadderState(name, (), live=live) for name in "ab"})


@pytest.mark.parametrize("code", LIMITS)
def test_what_a_constraint_rejected_is_never_taken(code: str) -> None:
    decisions = {"a": decided(code)}
    assert shield(snapshot("mid"), decisions, {"a": "other"}) == decisions
    assert allowed(decisions["a"]) == {"mid"}


@pytest.mark.parametrize("live", ["mid", "other"])
def test_what_only_the_objective_rejected_is_taken(live: str) -> None:
    taken = shield(snapshot(live), {"a": decided("best")}, {"a": "other"})["a"]
    assert (taken.variant, taken.reason.code) == ("other", "learned")
    assert taken.changed == (live != "other")
    assert [r.variant for r in taken.rejected] == ["mid"]


def test_a_hungrier_variant_is_only_taken_where_no_other_ladder_shares_the_board() -> None:
    alone, both = {"a": decided("energy")}, {n: decided("energy", n) for n in "ab"}
    assert shield(snapshot("mid"), alone, {"a": "other"})["a"].variant == "other"
    assert shield(snapshot("mid"), both, {"a": "other", "b": "other"}) == both


@pytest.mark.parametrize("proposals", [{}, {"a": "mid"}, {"a": "nonsense"}, {"b": "other"}])
def test_no_proposal_or_an_odd_one_changes_nothing(proposals: dict[str, str]) -> None:
    decisions = {"a": decided("best")}
    assert shield(snapshot("mid"), decisions, proposals) == decisions
