"""The client for asyncio: the same talk as the blocking one, woken by the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Any

from edgerund.client.answer import Answer
from edgerund.client.asking import Colour, Frame, to_request
from edgerund.client.dialogue import DEFAULT_TIMEOUT_S, Dialogue, outcome
from edgerund.client.session import Counters
from edgerund.client.watching import Change, Watcher, watch_address
from edgerund.errors import UsageError
from edgerund.wire import Request


class AsyncClient:
    """Sends frames to one ladder of the daemon; every call may be awaited beside others.

    Arguments and errors are those of ``Client``. It belongs to the event loop that uses it first. A frame must not be
    overwritten while its call is awaited.
    """

    def __init__(
        self,
        ladder: str | None = None,
        *,
        endpoint: str | None = None,
        runtime_dir: str | os.PathLike[str] | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        max_in_flight: int = 64,
        min_accuracy: float | None = None,
    ) -> None:
        self._dialogue = Dialogue(ladder, endpoint, runtime_dir, max_in_flight)
        self._min_accuracy = min_accuracy
        # before the descriptors of a lost connection are closed, the loop must have let go of them
        self._dialogue.link.on_close = self._unwatch
        self._timeout_s = timeout_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: tuple[int, ...] = ()

    async def infer(
        self,
        frame: Frame,
        *,
        colour: Colour | None = None,
        deadline_ms: float | None = None,
        stream: str = "",
        min_accuracy: float | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Ask for one inference; arguments and errors as for ``Client.infer``."""
        wanted = self._min_accuracy if min_accuracy is None else min_accuracy
        request = to_request(frame, colour, deadline_ms, stream, min_accuracy=wanted)
        return await self._ask(request, timeout_s)

    async def infer_jpeg(
        self,
        data: bytes | bytearray | memoryview,
        *,
        deadline_ms: float | None = None,
        stream: str = "",
        min_accuracy: float | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """As ``infer``, for the bytes of a JPEG."""
        return await self.infer(
            data,
            deadline_ms=deadline_ms,
            stream=stream,
            min_accuracy=min_accuracy,
            timeout_s=timeout_s,
        )

    async def describe(self, *, timeout_s: float | None = None) -> Mapping[str, Any]:
        """The ladder's contract: task, labels, limits, variants."""
        return (await self._ask(Request("describe"), timeout_s)).result

    async def watch(
        self, *, address: str | None = None, timeout_s: float | None = None
    ) -> AsyncGenerator[Change, None]:
        """Changes as they come; arguments and errors as for ``Client.watch``."""
        ladder: str | None = None
        if address is None:
            address, ladder = watch_address(self.endpoint)
        watcher = Watcher(address, ladder)
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(watcher.descriptor(), woken.set)
        try:
            while True:
                woken.clear()
                for change in watcher.take():
                    yield change
                try:
                    await asyncio.wait_for(woken.wait(), timeout_s)
                except asyncio.TimeoutError:
                    raise watcher.silent(timeout_s) from None
        finally:
            loop.remove_reader(watcher.descriptor())
            watcher.close()

    async def ping(self, *, timeout_s: float | None = None) -> float:
        """Round trip to the worker in milliseconds."""
        return (await self._ask(Request("ping"), timeout_s)).round_trip_ms

    # ------------------------------------------------------------------ life
    @property
    def endpoint(self) -> str:
        """The ZeroMQ address."""
        return self._dialogue.link.endpoint

    @property
    def counters(self) -> Counters:
        """What happened so far: answers, resends, lost connections, strays."""
        return self._dialogue.counters

    def close(self) -> None:
        """Drop the connection; what is awaited ends with NoAnswer. Closing twice is allowed."""
        self._dialogue.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ inside
    async def _ask(self, request: Request, timeout_s: float | None) -> Answer:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise UsageError("cannot use one client from two event loops: make one for each")
        patience_s = self._timeout_s if timeout_s is None else timeout_s
        pending = self._dialogue.ask(request)
        done = asyncio.Event()
        pending.on_done = done.set
        timer = loop.call_later(patience_s, self._dialogue.give_up, pending, patience_s)
        if not self._watched:
            self._watch(loop)
        self._look_again(loop)
        try:
            await done.wait()
        finally:
            timer.cancel()
            if not pending.done:  # cancelled: its answer is dropped when it comes
                self._dialogue.drop(pending)
        return outcome(pending)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watched = self._dialogue.link.descriptors()
        for descriptor in self._watched:
            loop.add_reader(descriptor, self._turn)

    def _unwatch(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            for descriptor in self._watched:
                self._loop.remove_reader(descriptor)
        self._watched = ()

    def _turn(self) -> None:
        if not self._dialogue.link.is_open or self._loop is None:
            return
        self._dialogue.turn()
        if not self._watched:
            self._watch(self._loop)
        self._look_again(self._loop)

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        # a send may swallow the wake-up of a message that came meanwhile (ZMQ_FD is edge-triggered)
        if self._dialogue.link.waiting():
            loop.call_soon(self._turn)
