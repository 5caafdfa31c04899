"""What engines count themselves: only while they are live, and as shares of the window."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from edgerund.ports import Array
from edgerund.serve.counting import EngineCounts
from edgerund.types import IOSpec
from edgerund.types import worker as w
from tests.daemon.ladders import write_ladder
from tests.serve.embedded import Asker, embedded
from tests.waiting import wait_for


class Counted:
    """An engine that counts."""

    spec = IOSpec((), ())

    def __init__(self) -> None:
        self.frames = self.escalated = 0

    def infer(self, inputs: Sequence[Array]) -> list[Array]:
        return []

    def counters(self) -> dict[str, int]:
        return {"frames": self.frames, "escalated_1": self.escalated}

    def close(self) -> None: ...


class Silent:
    """An engine that does not."""

    spec = IOSpec((), ())

    def infer(self, inputs: Sequence[Array]) -> list[Array]:
        return []

    def close(self) -> None: ...


def test_what_happens_before_and_after_an_engine_is_live_does_not_count() -> None:
    counts, one = EngineCounts(), Counted()
    one.frames, one.escalated = 2, 1  # the golden question, twice
    counts.change("both", one)
    one.frames, one.escalated = 12, 4
    assert counts.totals() == {"both": {"frames": 10, "escalated_1": 3}}
    counts.change("", None)
    one.frames = 50
    assert counts.totals()["both"]["frames"] == 10
    counts.change("both", one)
    one.frames += 5
    assert counts.totals()["both"]["frames"] == 15


def test_the_share_is_that_of_the_window() -> None:
    counts, one = EngineCounts(), Counted()
    assert counts.take_escalated() is None
    counts.change("both", one)
    assert counts.take_escalated() is None  # nobody was answered
    one.frames, one.escalated = 10, 5
    assert counts.take_escalated() == 0.5
    one.frames, one.escalated = 20, 6
    assert counts.take_escalated() == 0.1


def test_an_engine_without_counters_leaves_nothing() -> None:
    counts = EngineCounts()
    counts.change("top", Silent())
    assert counts.totals() == {}
    assert counts.take_escalated() is None


def cascade_ladder(folder: Path) -> Path:
    """A ladder whose best variant is a cascade that always asks its second member."""
    write_ladder(folder, variants={"low": {}, "lowest": {}})
    members = [
        {"file": "lowest.fake", "accept": {"kind": "softmax", "at_least": 1.1}},
        {"file": "low.fake"},
    ]
    (folder / "both.cascade").write_text(json.dumps({"members": members}))
    told = yaml.safe_load((folder / "ladder.yaml").read_text())
    told["variants"].insert(0, {"name": "both", "file": "both.cascade", "backend": "cascade"})
    (folder / "ladder.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    return folder


def test_a_worker_reports_how_often_its_cascade_escalates(tmp_path: Path) -> None:
    with embedded(cascade_ladder(tmp_path / "demo"), tmp_path) as e:
        e.serve("both")
        asker = Asker(e.endpoint)
        asker.send(8)
        wait_for(asker.all_answered, what="answers")
        e.tell(w.Ask(1))
        (report,) = wait_for(lambda: e.heard(w.Report, seq=1), what="figures")
        assert report.counters == {"both": {"frames": 8, "escalated_1": 8}}
        assert report.figures["escalated"] == 1.0
        e.serve("low")
        asker.send(3)
        wait_for(asker.all_answered, what="answers")
        e.tell(w.Ask(2))
        (report,) = wait_for(lambda: e.heard(w.Report, seq=2), what="figures")
        asker.close()
        assert report.counters == {"both": {"frames": 8, "escalated_1": 8}}
        assert report.figures["escalated"] is None
