"""The log of decisions: what is written, what bounds it, and what held at a time."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.clock import ManualClock
from edgerund.observe.decision_log import (
    FILE,
    REASONS_EVERY_S,
    DecisionLog,
    Entry,
    decision_of,
    entries,
    moment,
    moment_item,
    older,
)
from edgerund.types import Decision, Proposal, Reason, Rejection


def decided(variant: str, code: str = "best", at_s: float = 0.0, ladder: str = "a") -> Decision:
    return Decision(
        ladder,
        variant,
        Reason(code, f"because of {code}", "temp_c", 70.5, 80.0),
        at_s,
        rejected=(Rejection("other", Reason("best", "worse")),),
        headroom={"temperature": 0.25},
        warm=("low",),
        notes=("no battery",),
        since_s=at_s - 3.0,
        proposal=Proposal("other"),
    )


def test_what_is_written_is_read_back_equal(tmp_path: Path) -> None:
    clock = ManualClock(10.0, 1000.0)
    log = DecisionLog(tmp_path, clock)
    log.note({"a": decided("top")})
    started, kept = entries(tmp_path)
    assert (started.event, started.wall_s) == ("started", 1000.0)
    assert kept == Entry(1000.0, decided("top"))


def test_only_changes_of_mind_are_written(tmp_path: Path) -> None:
    clock = ManualClock(10.0, 1000.0)
    log = DecisionLog(tmp_path, clock)
    for second in range(100):
        clock.advance(1.0)
        log.note({"a": decided("top" if second < 50 else "low", at_s=float(second))})
    assert [e.decision.variant for e in entries(tmp_path) if e.decision] == ["top", "low"]


def test_reasons_that_flicker_are_written_at_most_every_few_seconds(tmp_path: Path) -> None:
    clock = ManualClock(10.0, 1000.0)
    log = DecisionLog(tmp_path, clock)
    for second in range(100):
        clock.advance(1.0)
        log.note({"a": decided("top", "power" if second % 2 else "latency")})
    assert 100 / REASONS_EVERY_S / 2 <= len(list(entries(tmp_path))) <= 100 / REASONS_EVERY_S + 2


def test_two_files_of_bounded_size_hold_the_newest(tmp_path: Path) -> None:
    clock = ManualClock(10.0, 1000.0)
    log = DecisionLog(tmp_path, clock, part_bytes=4096)
    for n in range(500):
        clock.advance(60.0)
        log.note({"a": decided(f"v{n}")})
    assert sorted(p.name for p in tmp_path.iterdir()) == [FILE, older(tmp_path / FILE).name]
    assert all(p.stat().st_size <= 4096 for p in tmp_path.iterdir())
    found = [e.decision.variant for e in entries(tmp_path) if e.decision]
    assert found == [f"v{n}" for n in range(500 - len(found), 500)]
    assert len(found) > 5


def test_a_torn_line_and_one_of_another_version_are_left_out(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path, ManualClock())
    log.note({"a": decided("top")})
    with (tmp_path / FILE).open("a") as f:
        f.write(
            '{"wall_s": 1, "decision": {"ladder": "a", "colour": "red"}}\n[]\n{"wall_s": 5, "dec'
        )
    assert len(list(entries(tmp_path))) == 2


def test_a_folder_that_cannot_be_written_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "edgerund.observe"):
        log = DecisionLog(tmp_path / "nowhere", ManualClock())
        log.note({"a": decided("top")})
    assert [r.getMessage() for r in caplog.records if "cannot keep" in r.getMessage()] != []
    assert len(caplog.records) == 1


def test_a_moment_has_the_latest_decision_before_it_and_the_next_change() -> None:
    top, low, back = (decided(v, at_s=t) for v, t in (("top", 5.0), ("low", 15.0), ("top", 25.0)))
    found = [Entry(0.0, None, "started"), Entry(5.0, top), Entry(15.0, low), Entry(25.0, back)]
    then = moment(iter(found), 18.0)
    assert then.decisions["a"].variant == "low"
    assert then.decisions["a"].at_s == 18.0  # it had been so for three seconds longer
    assert then.changes == {"a": found[3]}
    assert moment(iter(found), 2.0).decisions == {}
    assert moment(iter(found), 99.0).changes == {}


def test_nothing_holds_while_the_daemon_is_away() -> None:
    found = [Entry(5.0, decided("top")), Entry(10.0, None, "stopped"), Entry(20.0, None, "started")]
    assert moment(iter(found), 15.0).decisions == {}
    assert moment(iter(found), 15.0).event == found[1]
    assert moment(iter(found), 7.0).changes == {"a": found[1]}


@given(
    st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["top", "low", None]))),
    st.floats(0, 100),
)
def test_a_moment_agrees_with_a_walk_from_the_start(
    steps: list[tuple[float, str | None]], wall_s: float
) -> None:
    steps.sort(key=lambda step: step[0])
    found = [Entry(t, decided(v) if v else None, "" if v else "started") for t, v in steps]
    last = [v for t, v in steps if t <= wall_s][-1:]
    then = moment(iter(found), wall_s)
    assert [d.variant for d in then.decisions.values()] == [v for v in last if v]
    told = moment_item(then, wall_s)["decisions"]
    assert [decision_of(d) for d in told] == list(then.decisions.values())
