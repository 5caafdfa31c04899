from __future__ import annotations

import json

from edgerund.daemon.ladder_runtime import LadderRuntime
from edgerund.daemon.restarts import STILLBORN
from edgerund.daemon.status import headline, ladder_status, sense_item
from edgerund.daemon.worker_link import WorkerLink, how
from edgerund.types import (
    Decision,
    Hold,
    LadderPlan,
    NoData,
    Reading,
    Reason,
    Sense,
    VariantPlan,
)

PLAN = LadderPlan("demo", "classify", tuple(VariantPlan(n, "/x", "fake") for n in ("top", "low")))


def no_worker(_bound: bool) -> WorkerLink:
    raise OSError(24, "Too many open files")


def runtime() -> LadderRuntime:
    return LadderRuntime(PLAN, no_worker, 1000, 1.0, 0.0)


def test_a_ladder_without_a_worker_is_told_as_it_is() -> None:
    r = runtime()
    told = json.loads(json.dumps(ladder_status(r, 5.0)))
    assert (told["live"], told["ready"], told["pid"], told["restarts"]) == (None, False, None, 0)
    assert [v["name"] for v in told["variants"]] == ["top", "low"]
    assert told["outcomes"] == told["histograms"] == told["serving"] == {}
    assert told["reason"] is told["hold"] is None


def test_a_hold_is_told_with_the_time_that_is_left() -> None:
    r = runtime()
    r.hold = Hold("low", "night", 65.0)
    assert ladder_status(r, 5.0)["hold"] == {"variant": "low", "reason": "night", "left_s": 60.0}
    r.hold = Hold("low", "night")
    assert ladder_status(r, 5.0)["hold"]["left_s"] is None


def test_an_absent_sense_has_a_reason_and_no_value() -> None:
    assert sense_item(NoData("temp_c", "absent", "no zone", "/sys")) == {
        "name": "temp_c",
        "absent": "absent",
        "detail": "no zone",
        "source": "/sys",
    }
    item = sense_item(Reading("temp_c", 50.0, "C", 0.12345, "/sys"))
    assert (item["value"], item["age_s"], item["quality"]) == (50.0, 0.123, "measured")


def test_the_headline_says_who_answers_why_and_how_the_board_is() -> None:
    r = runtime()
    senses: dict[str, Sense] = {
        "temp_c": Reading("temp_c", 71.52, "C", 0.0, ""),
        "power_mw": Reading("power_mw", 5230.0, "mW", 0.0, ""),
        "battery_percent": NoData("battery_percent", "absent"),
    }
    assert headline([r], senses) == "demo=none 0.0 fps; 71.5 C 5.2 W"
    r.live = "low"
    r.decision = Decision("demo", "low", Reason("temperature", "hot"), 0.0)
    assert headline([r], {}) == "demo=low 0.0 fps (temperature)"
    r.decision = Decision("demo", "low", Reason("best", "fine"), 0.0)
    assert headline([r], {}) == "demo=low 0.0 fps"


def test_a_worker_that_cannot_even_be_made_is_tried_ever_more_slowly_and_then_told() -> None:
    r = runtime()
    now_s, waits_s = 0.0, []
    while r.stillborn is None:
        r.keep_alive(now_s)
        due_s = r.due(now_s)
        assert due_s is not None
        waits_s.append(due_s - now_s)
        now_s = due_s
    assert len(waits_s) == STILLBORN
    assert waits_s == sorted(waits_s)
    assert "Too many open files" in r.stillborn
    r.stop(0.0)
    assert r.due(now_s) is None


def test_the_end_of_a_worker_in_words() -> None:
    assert [how(e) for e in (None, -11, -200, 3, "cannot fork")] == [
        "its socket closed",
        "signal SIGSEGV",
        "signal 200",
        "exit code 3",
        "cannot fork",
    ]
