"""The agent: keeps the table of residents and turns the supervisor's wishes into jobs. No I/O of its own.

It owns every engine that is not live. It never waits: a wish for a resident variant is served at once, even
while the loader works on another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from edgerund.mailbox import Mailbox
from edgerund.serve.mail import (
    Beside,
    CloseDone,
    CloseJob,
    Compared,
    CompareJob,
    GaveUp,
    GiveUp,
    LoadDone,
    LoaderMail,
    LoadFailed,
    LoadJob,
    Relabel,
    Resident,
    Sampled,
    ServingMail,
    Suspect,
    TakeOver,
    TookOver,
)
from edgerund.serve.shadow import Lending
from edgerund.types import LadderPlan
from edgerund.types import worker as w
from edgerund.types.worker import (
    Failed,
    Loaded,
    Loading,
    Lowered,
    Message,
    Retire,
    Retired,
    Serve,
    Swapped,
    Warm,
)

UNSTEERED = "controller"
"""Reason code of replies while nobody steers."""


class Agent:
    """One per worker; every method is called from the worker's main thread."""

    def __init__(
        self,
        ladder: LadderPlan,
        serving: Mailbox[ServingMail],
        loader: Mailbox[LoaderMail],
        tell: Callable[[Message], None],
    ) -> None:
        self._ladder = ladder
        self._serving = serving
        self._loader = loader
        self._tell = tell
        self._residents: dict[str, Resident] = {}
        self._wanted: Serve | None = None
        self._to_load: list[str] = []
        self._to_retire: set[str] = set()
        self.live = ""
        self.promised = ""  # handed to the serving thread, which has not confirmed yet
        self.loading = ""
        self._given_up = ""  # who was live before nobody was
        self._giving_up = False  # asked of the serving thread, which has not confirmed yet
        self._broken: set[str] = set()
        self.shadow = Lending(ladder)

    @property
    def residents(self) -> tuple[Resident, ...]:
        """Every engine that is loaded, the live one among them."""
        return tuple(self._residents.values())

    # -------------------------------------------------------------- wishes of the supervisor
    def serve(self, wish: Serve) -> None:
        """Make a variant live as soon as it is resident; a newer wish replaces an older one."""
        self._wanted = wish
        self._to_retire.discard(wish.variant)
        self._advance()

    def warm(self, wish: Warm) -> None:
        """Load a variant behind what is being loaded."""
        self._to_retire.discard(wish.variant)
        if wish.variant not in self._residents and wish.variant != self.loading:
            if wish.variant not in self._to_load:
                self._to_load.append(wish.variant)
            self._start_load()

    def retire(self, wish: Retire) -> None:
        """Close a variant, unless it answers now or is about to."""
        name = wish.variant
        if self._wanted is not None and self._wanted.variant == name:
            return
        if name in self._to_load:
            self._to_load.remove(name)
        self._to_retire.add(name)
        self._close_retired()

    def unsteered(self, silent_s: float) -> None:
        """Nobody watches the limits any more: the cheapest resident variant cannot do harm. Until the next wish."""
        sound = [v.name for v in self._ladder.variants if v.name in self._residents]
        sound = [name for name in sound if name not in self._broken] or sound
        if sound:
            text = "the controller is silent; the cheapest variant serves until it speaks again"
            self._tell(Lowered(sound[-1], round(silent_s, 3)))
            self.serve(Serve(sound[-1], UNSTEERED, text))

    def beside(self, wish: w.Beside) -> None:
        """Run another variant too on some of the frames, or on none."""
        self.shadow.wish = wish
        share = wish.share if wish.variant else 0.0
        self._serving.put(Beside(share, wish.max_per_s))

    # -------------------------------------------------------------- news from the threads
    def took_over(self, news: TookOver) -> None:
        """The serving thread confirmed a swap."""
        name = news.resident.plan.name
        self.live = name
        if self.promised == name:
            self.promised = ""
        self._tell(Swapped(name, news.previous or self._given_up, news.code))
        self._given_up = ""
        self._close_retired()
        self._advance()  # a wish to break first waits until it is known who is live

    def gave_up(self, news: GaveUp) -> None:
        """Break before make: the previous engine goes before the next one comes, unless it is wanted again."""
        self.live = ""
        self._given_up = news.previous
        self._giving_up = False
        if self._wanted is None or self._wanted.variant != news.previous:
            self._to_retire.add(news.previous)
            self._close_retired()  # the loader closes it before it begins with what is put behind
        self._advance()

    def sampled(self, news: Sampled) -> None:
        """A frame for the shadow: dropped while the loader has anything else to do, or a swap is under way."""
        name, about = self.shadow.wish.variant, self.shadow.measured(news)
        resident = self._residents.get(name)
        busy = self.shadow.lent or self.loading or self._to_load or self._wanted is not None
        if not about or resident is None or busy or name in (self.live, self.promised):
            return
        if self.live == news.reply.variant and name not in self._to_retire:
            self.shadow.lend(name, time.monotonic())
            self._loader.put(CompareJob(resident, news.request, news.reply, about))

    def compared(self, news: Compared) -> None:
        """The lent engine is back: what waited for it goes on."""
        self.shadow.came_back(news)
        self._advance()

    def closed(self, news: CloseDone) -> None:
        """An engine is gone."""
        self._tell(Retired(news.variant))

    def load_done(self, news: LoadDone) -> None:
        """A variant became resident."""
        r = news.resident
        self.loading = ""
        self._residents[r.plan.name] = r
        self._tell(Loaded(r.plan.name, r.load_ms, r.memory_bytes, r.verified))
        self._close_retired()
        self._advance()
        self._start_load()

    def load_failed(self, news: LoadFailed) -> None:
        """A variant goes into quarantine; whoever wished for it must choose again."""
        self.loading = ""
        if self._wanted is not None and self._wanted.variant == news.variant:
            self._wanted = None
        self._tell(Failed(news.variant, news.reason))
        self._start_load()

    def suspect(self, news: Suspect) -> None:
        """The live engine is broken; it stays until the supervisor names another."""
        self._broken.add(news.variant)
        self._tell(Failed(news.variant, news.reason))

    # -------------------------------------------------------------- the little machine
    def _advance(self) -> None:
        wish = self._wanted
        if wish is None or self._giving_up:
            return
        name = wish.variant
        if name == (self.promised or self.live):
            self._wanted = None
            self._serving.put(Relabel(wish.code, wish.text, wish.fps))
            return
        if name == self.shadow.lent:
            return  # goes on in compared: one inference from now at most
        resident = self._residents.get(name)
        if resident is not None:
            self._wanted = None
            self.promised = name
            self._serving.put(TakeOver(resident, wish.code, wish.text, wish.fps))
            return
        if wish.break_first and self.promised:
            return  # goes on in took_over
        if wish.break_first and self.live:
            self._giving_up = True
            self._serving.put(GiveUp())  # goes on in gave_up
            return
        if name in self._to_load:
            self._to_load.remove(name)
        if name != self.loading:
            self._to_load.insert(0, name)
            self._start_load()

    def _start_load(self) -> None:
        if self.loading or not self._to_load:
            return
        name = self._to_load.pop(0)
        if name in self._residents:
            self._start_load()
            return
        self.loading = name
        self._tell(Loading(name))
        self._loader.put(LoadJob(self._ladder.variant(name)))

    def _close_retired(self) -> None:
        for name in sorted(self._to_retire - {self.live, self.promised}):
            resident = self._residents.pop(name, None)
            if resident is not None:
                self._to_retire.discard(name)
                self._loader.put(CloseJob(resident))
            elif name != self.loading:
                self._to_retire.discard(name)
