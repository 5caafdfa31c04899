"""The agent under every order of wishes and news: engines are closed only when nobody uses them."""

from __future__ import annotations

from collections import deque
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edgerund.mailbox import Mailbox
from edgerund.serve.agent import Agent
from edgerund.serve.mail import (
    CloseDone,
    CloseJob,
    GaveUp,
    GiveUp,
    LoadDone,
    LoaderMail,
    LoadFailed,
    LoadJob,
    Relabel,
    Resident,
    ServingMail,
    TakeOver,
    TookOver,
)
from edgerund.types import LadderPlan, VariantPlan
from edgerund.types.worker import (
    Failed,
    Loaded,
    Loading,
    Message,
    Retire,
    Retired,
    Serve,
    Swapped,
    Warm,
)

NAMES = ("top", "mid", "low", "tiny")
PLAN = LadderPlan("demo", "classify", tuple(VariantPlan(n, f"/{n}.fake", "fake") for n in NAMES))
names = st.sampled_from(NAMES)


class Engine:
    """Knows only whether it is open."""

    spec: Any = None

    def __init__(self) -> None:
        self.open = True

    def infer(self, inputs: Any) -> list[Any]:
        return list(inputs)

    def close(self) -> None:
        assert self.open, "closed twice"
        self.open = False


def resident(plan: VariantPlan) -> Resident:
    return Resident(plan, Engine(), None, 1.0, 1000, False)  # type: ignore[arg-type]


class World(RuleBasedStateMachine):
    """The serving thread and the loader thread, as slow or quick as hypothesis likes."""

    def __init__(self) -> None:
        super().__init__()
        self.serving: Mailbox[ServingMail] = Mailbox()
        self.loader: Mailbox[LoaderMail] = Mailbox()
        self.told: list[Message] = []
        self.agent = Agent(PLAN, self.serving, self.loader, self.told.append)
        self.serving_in: deque[ServingMail] = deque()
        self.loader_in: deque[LoaderMail] = deque()
        self.news: deque[Any] = deque()
        self.live: Resident | None = None
        self.open: list[Resident] = []
        self.last_wish: Serve | None = None
        self.label: tuple[str, str, float | None] | None = None

    def teardown(self) -> None:
        for box in (self.serving, self.loader):
            box.close()

    @initialize(name=names)
    def first(self, name: str) -> None:
        self.serve(name, False, "start", None)

    def _carry(self) -> None:
        self.serving_in.extend(self.serving.drain())
        self.loader_in.extend(self.loader.drain())

    # ------------------------------------------------------------ the supervisor
    @rule(
        name=names,
        break_first=st.booleans(),
        code=st.sampled_from(["", "hold", "temperature"]),
        fps=st.sampled_from([None, 12.5]),
    )
    def serve(self, name: str, break_first: bool, code: str, fps: float | None) -> None:
        self.last_wish = Serve(name, code, f"because of {code}", break_first, fps)
        self.agent.serve(self.last_wish)
        self._carry()

    @rule(name=names)
    def warm(self, name: str) -> None:
        self.agent.warm(Warm(name))
        self._carry()

    @rule(name=names)
    def retire(self, name: str) -> None:
        self.agent.retire(Retire(name))
        self._carry()

    # ------------------------------------------------------------ the serving thread
    @precondition(lambda self: self.serving_in)
    @rule()
    def serving_turn(self) -> None:
        mail = self.serving_in.popleft()
        if isinstance(mail, TakeOver):
            assert mail.resident in self.open, "took over a closed engine"
            previous = self.live.plan.name if self.live else ""
            self.live, self.label = mail.resident, (mail.code, mail.text, mail.fps)
            self.news.append(TookOver(mail.resident, previous, mail.code))
        elif isinstance(mail, GiveUp):
            if self.live is not None:
                self.news.append(GaveUp(self.live.plan.name))
                self.live = None
        elif isinstance(mail, Relabel):
            self.label = (mail.code, mail.text, mail.fps)

    # ------------------------------------------------------------ the loader thread
    @precondition(lambda self: self.loader_in)
    @rule(fails=st.integers(0, 3).map(lambda n: n == 0))
    def loader_turn(self, fails: bool) -> None:
        job = self.loader_in.popleft()
        if isinstance(job, CloseJob):
            assert self.live is not job.resident, "closed the live engine"
            job.resident.engine.close()
            self.open.remove(job.resident)
            self.news.append(CloseDone(job.resident.plan.name))
        elif isinstance(job, LoadJob):
            assert job.plan.name not in {r.plan.name for r in self.open}, "loaded twice"
            if fails:
                self.news.append(LoadFailed(job.plan.name, "no"))
            else:
                r = resident(job.plan)
                self.open.append(r)
                self.news.append(LoadDone(r))

    @precondition(lambda self: self.news)
    @rule()
    def hear(self) -> None:
        news = self.news.popleft()
        hear: Any = {
            TookOver: self.agent.took_over,
            GaveUp: self.agent.gave_up,
            CloseDone: self.agent.closed,
            LoadDone: self.agent.load_done,
            LoadFailed: self.agent.load_failed,
        }[type(news)]
        hear(news)
        if (
            isinstance(news, LoadFailed)
            and self.last_wish
            and self.last_wish.variant == news.variant
        ):
            self.last_wish = None  # the supervisor would choose again
        self._carry()

    # ------------------------------------------------------------ what must hold
    @invariant()
    def never_two_load_jobs_at_once(self) -> None:
        assert sum(isinstance(j, LoadJob) for j in self.loader_in) <= 1

    @invariant()
    def what_answers_is_open(self) -> None:
        assert self.live is None or self.live.engine.open  # type: ignore[attr-defined]

    @precondition(lambda self: not (self.serving_in or self.loader_in or self.news))
    @invariant()
    def at_rest_the_last_wish_is_fulfilled(self) -> None:
        if self.last_wish is not None:
            assert self.live is not None
            assert self.live.plan.name == self.last_wish.variant
            wish = self.last_wish
            assert self.label == (wish.code, wish.text, wish.fps)

    @precondition(lambda self: not (self.serving_in or self.loader_in or self.news))
    @invariant()
    def at_rest_what_was_told_is_the_truth(self) -> None:
        resident_now: set[str] = set()
        live = ""
        for m in self.told:
            if isinstance(m, Loaded):
                resident_now.add(m.variant)
            elif isinstance(m, Retired):
                resident_now.discard(m.variant)
                live = "" if live == m.variant else live
            elif isinstance(m, Swapped):
                live = m.variant
        assert resident_now == {r.plan.name for r in self.open}
        assert live == (self.live.plan.name if self.live else "")
        assert self.agent.loading == ""

    @invariant()
    def every_load_is_announced_and_ended_once(self) -> None:
        loading = ""
        for m in self.told:
            if isinstance(m, Loading):
                assert loading == ""
                loading = m.variant
            elif isinstance(m, (Loaded, Failed)):
                assert loading == m.variant
                loading = ""


World.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestAgent = World.TestCase
