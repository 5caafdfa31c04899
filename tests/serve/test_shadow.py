"""The shadow in a worker: it sees what both answer, and neither a request nor a swap has to wait for it for long."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.serve.mail import Beside
from edgerund.serve.shadow import Sampler
from edgerund.types import worker as w
from tests.daemon.ladders import write_ladder
from tests.serve.embedded import Asker, Embedded, embedded
from tests.waiting import wait_for

EVERY = {"share": 1.0, "max_per_s": 1e6}


@given(st.floats(0.005, 1.0), st.integers(0, 2**32))
def test_the_sample_has_the_share_that_was_asked_for(share: float, seed: int) -> None:
    sampler = Sampler(Beside(share, 1e9), lambda: next(times), random.Random(seed).random)
    times = iter(range(10**9))
    frames = int(2000 / share)
    taken = sum(sampler.wants() for _ in range(frames))
    assert abs(taken - share * frames) <= 6 * (share * frames) ** 0.5


@given(st.lists(st.floats(0.0, 0.5), max_size=300), st.floats(0.2, 50.0))
def test_it_never_takes_more_than_the_rate_allows(steps: list[float], max_per_s: float) -> None:
    now = [0.0]
    sampler = Sampler(Beside(1.0, max_per_s), lambda: now[0], lambda: 0.0)
    taken = []
    for step in steps:
        now[0] += step
        if sampler.wants():
            taken.append(now[0])
    assert all(b - a >= 1.0 / max_per_s - 1e-9 for a, b in itertools.pairwise(taken))


@pytest.fixture
def same(tmp_path: Path) -> Path:
    """Three variants; ``mid`` always answers like ``top``, ``low`` (nearly) never does."""
    return write_ladder(
        tmp_path / "demo",
        variants={"top": {"seed": 5}, "mid": {"seed": 5}, "low": {"seed": 6}},
    )


def resident(e: Embedded, *names: str) -> None:
    for name in names:
        e.tell(w.Warm(name))
        wait_for(partial(e.heard, w.Loaded, variant=name), what=f"{name} resident")


def seen(e: Embedded, asker: Asker, enough: int = 20) -> dict[str, Any]:
    """Keep asking, one frame at a time, until so many were compared."""
    found: dict[str, Any] = {"shadow": None, "shadowed": 0, "agreed": 0.0}

    def more() -> bool:
        for _ in range(5):
            asker.send(1, stream=str(asker.sent))
            wait_for(asker.all_answered, what="answer")
        seq = len(e.heard(w.Report)) + 1
        e.tell(w.Ask(seq))
        (report,) = wait_for(lambda: e.heard(w.Report, seq=seq), what="figures")
        if report.figures["shadowed"]:
            found["shadow"] = report.figures["shadow"]
            found["shadowed"] += report.figures["shadowed"]
            found["agreed"] += report.figures["agreed"]
        return bool(found["shadowed"] >= enough)

    wait_for(more, what="frames compared")
    return found


def test_it_tells_how_often_the_live_variant_answers_like_the_best(
    same: Path, tmp_path: Path
) -> None:
    with embedded(same, tmp_path) as e:
        asker = Asker(e.endpoint)
        e.serve("mid")
        resident(e, "top")
        e.tell(w.Beside("top", **EVERY))
        found = seen(e, asker)
        assert found["shadow"] == "mid"
        assert found["agreed"] == found["shadowed"]
        e.serve("low")
        found = seen(e, asker)
        assert found["shadow"] == "low"
        assert found["agreed"] < found["shadowed"]
        asker.close()


def test_while_the_best_one_serves_it_tells_of_another(same: Path, tmp_path: Path) -> None:
    with embedded(same, tmp_path) as e:
        asker = Asker(e.endpoint)
        e.serve("top")
        resident(e, "mid", "low")
        e.tell(w.Beside("low", **EVERY))
        assert seen(e, asker)["shadow"] == "low"
        e.tell(w.Beside("mid", **EVERY))
        found = seen(e, asker)
        while found["shadow"] == "low":  # what was under way
            found = seen(e, asker)
        assert (found["shadow"], found["agreed"]) == ("mid", found["shadowed"])
        asker.close()


def test_off_not_resident_or_live_itself_it_runs_nothing(same: Path, tmp_path: Path) -> None:
    with embedded(same, tmp_path) as e:
        asker = Asker(e.endpoint)
        e.serve("mid")
        for wish in (w.Beside(), w.Beside("top", **EVERY), w.Beside("mid", **EVERY)):
            e.tell(wish)
            asker.send(20)
            wait_for(asker.all_answered, what="answers")
        e.tell(w.Ask(1))
        (report,) = wait_for(lambda: e.heard(w.Report, seq=1), what="figures")
        assert (report.figures["shadow"], report.figures["shadowed"]) == (None, 0)
        asker.close()


def swaps_while(
    folder: Path, tmp_path: Path, check: Callable[[Embedded], None], **top: Any
) -> None:
    ladder = write_ladder(folder, variants={"top": top, "mid": {}, "low": {}})
    with embedded(ladder, tmp_path) as e:
        asker = Asker(e.endpoint)
        e.serve("low")
        resident(e, "top", "mid")
        e.tell(w.Beside("top", **EVERY))
        for turn in range(12):
            asker.send(3)
            e.serve(("top", "mid", "low")[turn % 3])
        wait_for(asker.all_answered, what="answers")
        assert all(len(r) == 1 and r[0]["ok"] for r in asker.replies.values())
        check(e)
        asker.close()


def test_swaps_to_and_from_the_lent_engine_lose_nothing(tmp_path: Path) -> None:
    swaps_while(tmp_path / "demo", tmp_path, lambda e: None, latency_ms=5)


def test_an_engine_that_fails_beside_condemns_nobody(tmp_path: Path) -> None:
    ladder = write_ladder(
        tmp_path / "demo", variants={"top": {"fail_after": 2}, "low": {}}
    )  # the golden question is asked twice
    with embedded(ladder, tmp_path) as e:
        asker = Asker(e.endpoint)
        e.serve("low")
        resident(e, "top")
        e.tell(w.Beside("top", **EVERY))
        for _ in range(20):
            asker.send(1)
            wait_for(asker.all_answered, what="answer")
        assert all(r[0]["ok"] for r in asker.replies.values())
        assert e.heard(w.Failed) == []
        asker.close()


def test_retiring_the_lent_engine_waits_for_the_comparison(same: Path, tmp_path: Path) -> None:
    with embedded(same, tmp_path) as e:
        asker = Asker(e.endpoint)
        e.serve("mid")
        e.tell(w.Beside("top", **EVERY))
        for _ in range(5):
            resident(e, "top")
            asker.send(4)
            e.tell(w.Retire("top"))
            e.tell(w.Warm("top"))
            wait_for(asker.all_answered, what="answers")
        wait_for(lambda: e.heard(w.Retired, variant="top"), what="retired")
        asker.close()
