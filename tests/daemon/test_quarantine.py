from __future__ import annotations

import signal

import pytest

from edgerund.daemon.quarantine import PROBATION_S, STRIKE_WINDOW_S, Quarantine, suspects_of

CRASH, FOREIGN_KILL = -signal.SIGSEGV, -signal.SIGKILL


def test_a_broken_file_needs_no_second_proof_and_the_first_reason_stays() -> None:
    q = Quarantine()
    assert q.condemn("v", "wrong checksum")
    assert not q.condemn("v", "something else")
    assert q.reasons == {"v": "wrong checksum"}


def test_one_death_is_forgiven_and_two_in_a_short_time_are_not() -> None:
    q = Quarantine()
    assert not q.died("v", "signal SIGSEGV", 0.0)
    assert q.reasons == {}
    assert q.died("v", "signal SIGSEGV", 60.0)
    assert "died 2 times" in q.reasons["v"]
    assert "SIGSEGV" in q.reasons["v"]


def test_deaths_far_apart_are_the_systems_doing() -> None:
    q = Quarantine()
    for i in range(5):
        assert not q.died("v", "x", i * (STRIKE_WINDOW_S + 1))


def test_half_a_suspicion_needs_twice_the_deaths() -> None:
    q = Quarantine()
    assert [q.died("v", "x", float(i), 0.5) for i in range(4)] == [False, False, False, True]


def test_deaths_of_one_are_not_held_against_another() -> None:
    q = Quarantine()
    q.died("a", "x", 0.0)
    assert not q.died("b", "x", 1.0)


def test_a_suspect_is_put_off_for_a_while() -> None:
    q = Quarantine()
    assert not q.on_probation("v", 0.0)
    q.died("v", "x", 10.0)
    assert q.on_probation("v", 10.0 + PROBATION_S - 1)
    assert not q.on_probation("v", 10.0 + PROBATION_S)


@pytest.mark.parametrize(
    ("end", "hung", "loading", "live", "expected"),
    [
        (CRASH, False, "", "a", {"a": 1.0}),
        (CRASH, False, "b", "", {"b": 1.0}),
        (CRASH, False, "b", "a", {"b": 1.0, "a": 0.5}),
        (CRASH, False, "", "", {}),
        (1, False, "", "a", {"a": 1.0}),
        (None, False, "", "a", {"a": 1.0}),
        (FOREIGN_KILL, False, "", "a", {}),
        (FOREIGN_KILL, False, "b", "a", {"b": 0.5}),
        (FOREIGN_KILL, True, "", "a", {"a": 1.0}),
        (FOREIGN_KILL, True, "b", "a", {"a": 1.0, "b": 0.5}),
    ],
)
def test_who_is_suspected(
    end: int | None, hung: bool, loading: str, live: str, expected: dict[str, float]
) -> None:
    assert suspects_of(end, hung=hung, loading=loading, live=live) == expected


def test_one_that_crashes_beside_a_load_is_found_and_the_loading_one_is_not_condemned() -> None:
    q = Quarantine()
    first = suspects_of(CRASH, hung=False, loading="low", live="top")
    for name, weight in first.items():
        assert not q.died(name, "x", 0.0, weight)
    assert q.on_probation("low", 1.0)  # so the next lives have nothing loading
    deaths = 1
    while not q.reasons:
        deaths += 1
        for name, weight in suspects_of(CRASH, hung=False, loading="", live="top").items():
            q.died(name, "x", float(deaths), weight)
    assert set(q.reasons) == {"top"}
    assert deaths == 3
