"""Who makes the stages: this process, or several others that each load the data once."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from edgerund.build.data import Source, find_function
from edgerund.build.store import Store
from edgerund.build.technique import Data
from edgerund.build.work import Bench, Order, Result, make

Told = Callable[[str, float, str], None]
"""Called with (stage, share of it that is done, one sentence)."""
_PR_SET_PDEATHSIG = 1


class Crew(Protocol):
    """Takes orders, at most ``hands`` at a time."""

    hands: int

    def begin(self, order: Order) -> Future[Result]:
        """Start one order."""
        ...

    def listen(self) -> None:
        """Pass on what the stages that run have said meanwhile."""
        ...

    def close(self) -> None:
        """End everything, at once."""
        ...


def make_bench(source: Source, store: Store, data: Data) -> Bench:
    """The data and the recipe's own functions. Raises BuildError."""
    functions = {r: find_function(n, source.folder) for r, n in source.recipe.roles.items()}
    return Bench(store, data, functions)


@dataclass
class Alone:
    """This very process."""

    bench: Bench
    told: Told
    hands: int = 1

    def begin(self, order: Order) -> Future[Result]:
        future: Future[Result] = Future()
        name = order.stage.name
        future.set_result(make(order, self.bench, lambda share, text: self.told(name, share, text)))
        return future

    def listen(self) -> None:
        """Everything was told already."""

    def close(self) -> None:
        """Nothing is left."""


@dataclass
class Team:
    """Processes of their own: a crash in native code costs stages, not the build's memory of them."""

    source: Source
    store: Path
    told: Told
    hands: int
    _queue: Any = field(init=False)
    _pool: ProcessPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._open()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._queue = context.SimpleQueue()
        self._pool = ProcessPoolExecutor(
            self.hands,
            mp_context=context,
            initializer=_enter,
            initargs=(self.source, self.store, self._queue, os.getpid()),
        )

    def begin(self, order: Order) -> Future[Result]:
        try:
            return self._pool.submit(_make, order)
        except (
            BrokenProcessPool
        ):  # one died, and took the pool with it: the stages after it get another
            self._open()
            return self._pool.submit(_make, order)

    def listen(self) -> None:
        while not self._queue.empty():
            self.told(*self._queue.get())

    def close(self) -> None:
        # a stage may take hours: what is not done is not waited for
        for process in list((getattr(self._pool, "_processes", None) or {}).values()):
            process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)


def outcome(future: Future[Result], stage: str) -> Result:
    """The result of a future that is done. Raises OSError as the stage did."""
    try:
        return future.result()
    except BrokenProcessPool:
        return Result(
            stage,
            reason="cannot go on: the process that made it, or one beside it, died (too little memory?)",
        )


_here: dict[str, Any] = {}


def _enter(source: Source, store: Path, queue: Any, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who gave the orders
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    _here["bench"] = make_bench(source, Store(store), source.load())
    _here["queue"] = queue


def _make(order: Order) -> Result:
    name, queue = order.stage.name, _here["queue"]
    return make(order, _here["bench"], lambda share, text: queue.put((name, share, text)))
