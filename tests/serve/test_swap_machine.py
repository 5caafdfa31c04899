"""Any order of swaps, failing loads, broken engines and bursts: one reply per request, never from a closed engine."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edgerund.serve.options import WorkerOptions
from edgerund.types import worker as w
from tests.daemon.ladders import write_ladder
from tests.serve.embedded import Asker, Embedded
from tests.waiting import wait_for

GOOD = ("top", "mid", "low")
MAX_QUEUE = 16
VARIANTS: dict[str, dict[str, Any]] = {
    "top": {},
    "mid": {"latency_ms": 1},
    "low": {},
    "broken": {"fail_load": "on purpose"},
    "sick": {"fail_after": 3},
}


class SwapMachine(RuleBasedStateMachine):
    """The supervisor and two clients, as unreasonable as hypothesis likes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        ladder = write_ladder(root / "demo", variants=VARIANTS)
        self.worker = Embedded(ladder, root, WorkerOptions(max_queue=MAX_QUEUE))
        self.worker.serve("top")
        self.clients = [Asker(self.worker.endpoint) for _ in range(2)]

    def teardown(self) -> None:
        try:
            self.settle()
            self.end()
        finally:
            for c in self.clients:
                c.close()
            self.worker.end()
            self.folder.cleanup()

    def settle(self) -> None:
        """Whatever was wished: in the end something good answers, and so does everything that was sent."""
        self.worker.tell(w.Serve("top"))
        for c in self.clients:
            wait_for(c.all_answered, what="a reply to every request")

    def end(self) -> None:
        counted: Counter[str] = Counter()
        for c in self.clients:
            c.collect(wait_ms=5)
            assert sorted(map(int, c.replies)) == list(range(1, c.sent + 1))
            for (reply,) in c.replies.values():  # exactly one each
                counted["ok" if reply["ok"] else reply["error"]["code"]] += 1
                if reply["ok"]:
                    assert reply["variant"] in (*GOOD, "sick")
                else:
                    assert "closed" not in reply["error"]["message"]
        self.worker.tell(w.Ask(99_999))
        (report,) = wait_for(lambda: self.worker.heard(w.Report, seq=99_999), what="figures")
        assert report.outcomes == dict(counted)

    @rule(name=st.sampled_from((*GOOD, "sick", "broken")), break_first=st.booleans())
    def swap(self, name: str, break_first: bool) -> None:
        self.worker.tell(w.Serve(name, "hold", "test", break_first))

    @rule(name=st.sampled_from(GOOD))
    def warm(self, name: str) -> None:
        self.worker.tell(w.Warm(name))

    @rule(name=st.sampled_from((*GOOD, "sick")))
    def retire(self, name: str) -> None:
        self.worker.tell(w.Retire(name))

    @rule(client=st.integers(0, 1), count=st.integers(1, 2 * MAX_QUEUE))
    def burst(self, client: int, count: int) -> None:
        self.clients[client].send(count)

    @rule(client=st.integers(0, 1), deadline_ms=st.sampled_from((0.01, 1, 50)))
    def hurry(self, client: int, deadline_ms: float) -> None:
        self.clients[client].send(3, deadline_ms=deadline_ms)

    @rule(client=st.integers(0, 1))
    def read(self, client: int) -> None:
        self.clients[client].collect()

    @rule()
    def let_it_work(self) -> None:
        seq = len(self.worker.said) + 1
        self.worker.tell(w.Ask(seq))
        wait_for(lambda: self.worker.heard(w.Report, seq=seq), what="figures")

    @invariant()
    def the_worker_lives(self) -> None:
        assert self.worker.thread.is_alive()
        self.worker.listen()


SwapMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestSwaps = SwapMachine.TestCase
