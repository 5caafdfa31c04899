"""The worker in a thread: what embedders get, one piece of the data path at a time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from edgerund.types import worker as w
from tests.daemon.ladders import write_ladder
from tests.serve.embedded import Asker, Embedded, embedded
from tests.waiting import wait_for


@pytest.fixture
def ladder(tmp_path: Path) -> Path:
    return write_ladder(tmp_path / "demo")


def test_a_life_from_the_first_wish_to_the_stop(ladder: Path, tmp_path: Path) -> None:
    with embedded(ladder, tmp_path) as e:
        e.serve("top")
        asker = Asker(e.endpoint)
        asker.send(20)
        wait_for(asker.all_answered, what="answers")
        asker.close()
        assert {r["variant"] for rs in asker.replies.values() for r in rs} == {"top"}
        e.tell(w.Ask(7))
        (report,) = wait_for(lambda: e.heard(w.Report, seq=7), what="figures")
        assert report.live == "top"
        assert report.outcomes == {"ok": 20}
        assert report.answered_by == {"top": 20}
        assert report.figures["answered"] == 20
        assert sum(report.histograms["total"]["counts"]) == 20
        e.tell(w.Stop(1.0))
        e.thread.join(timeout=20)
        assert e.code == 0
    kinds = [type(m).__name__ for m in e.said]
    assert kinds[:3] == ["Loading", "Loaded", "Swapped"]


def ours() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    fds, tasks = (sum(1 for _ in Path(f"/proc/self/{d}").iterdir()) for d in ("fd", "task"))
    return fds, tasks


def test_it_leaves_no_descriptor_and_no_thread_behind(ladder: Path, tmp_path: Path) -> None:
    def once() -> None:
        with embedded(ladder, tmp_path) as e:
            e.serve("top")
            e.tell(w.Warm("low"))
            wait_for(lambda: e.heard(w.Loaded, variant="low"), what="another resident")

    once()  # what libraries open for good, they open now
    before = ours()
    for _ in range(5):
        once()
    wait_for(lambda: ours() <= before, what="everything is given back")


def test_it_ends_when_nobody_steers_it(ladder: Path, tmp_path: Path) -> None:
    with embedded(ladder, tmp_path) as e:
        e.serve("top")
    assert e.code == 1


def test_requests_wait_for_the_first_engine_and_are_not_lost(ladder: Path, tmp_path: Path) -> None:
    with embedded(ladder, tmp_path) as e:
        asker = Asker(e.endpoint)
        asker.send(5)
        e.tell(w.Ask(1))
        wait_for(lambda: e.heard(w.Report, seq=1), what="it is awake")
        asker.collect()
        assert asker.replies == {}
        e.serve("mid")
        wait_for(asker.all_answered, what="answers")
        asker.close()


def test_what_waits_is_refused_once_nothing_can_come(ladder: Path, tmp_path: Path) -> None:
    with embedded(ladder, tmp_path) as e:
        asker = Asker(e.endpoint)
        asker.send(3)
        wait_for(lambda: _depth(e) == 3, what="they wait")
        e.tell(w.Refuse("cannot answer: nothing is left"))
        wait_for(asker.all_answered, what="refusals")
        asker.send(1)
        wait_for(asker.all_answered, what="one at once")
        errors = {(r["error"]["code"], r["error"]["message"]) for (r,) in asker.replies.values()}
        assert errors == {("unavailable", "cannot answer: nothing is left")}
        e.serve("low")  # hope is back
        asker.send(1)
        wait_for(asker.all_answered, what="an answer")
        assert asker.replies["5"][0]["ok"]
        asker.close()


def test_a_stop_answers_what_waits_and_refuses_what_does_not_fit_in(
    tmp_path: Path,
) -> None:
    slow = write_ladder(tmp_path / "demo", variants={"top": {"latency_ms": 60}})
    with embedded(slow, tmp_path) as e:
        e.serve("top")
        asker = Asker(e.endpoint)
        asker.send(20)
        wait_for(asker.some_answered, what="the first answer")
        e.tell(w.Stop(0.3))
        wait_for(asker.all_answered, what="a reply to each")
        asker.close()
    codes = Counter("ok" if r["ok"] else r["error"]["code"] for (r,) in asker.replies.values())
    assert set(codes) == {"ok", "unavailable"}
    assert e.code == 0


def test_the_tightest_deadline_is_reported(ladder: Path, tmp_path: Path) -> None:
    with embedded(ladder, tmp_path) as e:
        e.serve("top")
        asker = Asker(e.endpoint)
        for deadline_ms in (900, 400, 700):
            asker.send(deadline_ms=deadline_ms)
        asker.send()
        wait_for(asker.all_answered, what="answers")
        asker.close()
        e.tell(w.Ask(1))
        (report,) = wait_for(lambda: e.heard(w.Report, seq=1), what="figures")
        assert report.figures["deadline_ms"] == 400
        e.tell(w.Ask(2))
        (report,) = wait_for(lambda: e.heard(w.Report, seq=2), what="figures")
        assert report.figures["deadline_ms"] is None


def test_a_variant_that_cannot_be_loaded_is_told_with_its_reason(tmp_path: Path) -> None:
    broken = write_ladder(
        tmp_path / "demo", variants={"top": {"fail_load": "x" * 100_000}, "low": {}}
    )
    with embedded(broken, tmp_path) as e:
        e.tell(w.Serve("top"))
        (failed,) = wait_for(lambda: e.heard(w.Failed), what="the failure")
        assert failed.variant == "top"
        assert len(failed.reason) < 3000  # it has to fit into a packet
        e.serve("low")


def _depth(e: Embedded) -> int:
    seq = len(e.heard(w.Report)) + 100
    e.tell(w.Ask(seq))
    (report,) = wait_for(lambda: e.heard(w.Report, seq=seq), what="figures")
    return int(report.figures["queue_depth"])
