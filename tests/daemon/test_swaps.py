"""Swaps under load lose nothing, and every answer is the one of the variant it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgerund.client import Answer
from edgerund.config.share import shared_file
from tests.daemon.clients import Crowd, expected_answers, some_frames
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for


def swap_under_load(daemon: Running, ladder: Path, name: str, swaps: int) -> Crowd:
    """Pin variants in turn while 8 clients send; returns the crowd after checking every answer."""
    frames = some_frames()
    expected = expected_answers(ladder, frames)

    def check(turn: int, answer: Answer) -> None:
        assert dict(answer.result) == dict(expected[answer.variant, turn])

    crowd = Crowd(daemon.runtime_dir, frames, check, ladder=name)
    try:
        names = [v["name"] for v in daemon.status(name)["variants"]]
        for i in range(swaps):
            wanted = names[(i + 1) % len(names)]
            daemon.control.call("pin", ladder=name, variant=wanted)
            daemon.wait_until_live(wanted, name)
            crowd.wait_for_more()
    finally:
        crowd.stop()
    assert crowd.errors == []
    assert crowd.variants == set(names)
    return crowd


def test_every_answer_is_right_while_resident_variants_swap(start: Start, tmp_path: Path) -> None:
    ladder = write_ladder(tmp_path / "ladder")
    daemon = start({"ladders": [{"path": str(ladder)}], "tick_s": 0.05})
    crowd = swap_under_load(daemon, ladder, "demo", swaps=60)
    status = wait_for(
        lambda: (s := daemon.status())["outcomes"].get("ok", 0) >= crowd.answers and s,
        what="report",
    )
    assert status["outcomes"] == {"ok": crowd.answers}  # one reply each, and no error
    assert sum(s["count"] for s in status["swaps"]) >= 60


def test_every_answer_is_right_while_each_swap_has_to_load(start: Start, tmp_path: Path) -> None:
    # a budget that holds two variants: the third is loaded anew at each swap
    heavy = {"allocate_mb": 24}
    ladder = write_ladder(tmp_path / "ladder", variants={"top": heavy, "mid": heavy, "low": heavy})
    daemon = start({"ladders": [{"path": str(ladder)}], "memory_budget_mb": 60, "tick_s": 0.05})
    swap_under_load(daemon, ladder, "demo", swaps=12)
    assert daemon.log_text().count("resident after") > 6


def test_break_before_make_where_two_do_not_fit(start: Start, tmp_path: Path) -> None:
    heavy = {"allocate_mb": 24}
    ladder = write_ladder(tmp_path / "ladder", variants={"top": heavy, "low": heavy})
    daemon = start({"ladders": [{"path": str(ladder)}], "memory_budget_mb": 30, "tick_s": 0.05})
    swap_under_load(daemon, ladder, "demo", swaps=6)


@pytest.mark.soak
def test_a_thousand_swaps_among_all_variants_of_the_bundled_ladder(start: Start) -> None:
    ladder = shared_file("variants/cifar10")
    daemon = start({"ladders": [{"path": str(ladder)}], "tick_s": 0.05})
    crowd = swap_under_load(daemon, ladder, "cifar10", swaps=1000)
    assert crowd.answers > 1000
