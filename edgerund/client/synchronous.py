"""The blocking client."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any

from edgerund.client.answer import Answer
from edgerund.client.asking import Colour, Frame, to_own, to_request
from edgerund.client.dialogue import DEFAULT_TIMEOUT_S, Dialogue, outcome
from edgerund.client.in_flight import InFlight
from edgerund.client.session import Counters, Pending
from edgerund.client.watching import Change, watch, watch_address
from edgerund.errors import UsageError
from edgerund.wire import Request


class Client:
    """Sends frames to one ladder of the daemon and waits for the answers.

    ``Client()`` finds the only ladder of the daemon on this machine; ``Client("cifar10")`` names one;
    ``Client(endpoint="tcp://10.0.0.2:5557")`` connects anywhere. The daemon need not be up when a ladder or an
    endpoint is named. A worker that goes away takes nothing along: what is in flight is sent again, once.

    A client belongs to the thread that uses it first; other threads, and children after a fork, make their own.

    Args:
        ladder: name of the ladder.
        endpoint: ZeroMQ address, instead of a ladder's name.
        runtime_dir: the daemon's runtime folder; by default ``$XDG_RUNTIME_DIR/edgerund``, then ``/run/edgerund``.
        timeout_s: how long a call waits for its answer unless it says otherwise.
        max_in_flight: how many requests may be under way at once.
        min_accuracy: the accuracy (0..1) that is needed; a wish that gives way to limits, see ``Answer.accuracy``.

    Raises:
        UsageError: several ladders and none named, or arguments that exclude each other.
        StartError: no ladder named, and none found.
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
        self._timeout_s = timeout_s
        self._thread: int | None = None

    # ------------------------------------------------------------------ asking
    def infer(
        self,
        frame: Frame,
        *,
        colour: Colour | None = None,
        deadline_ms: float | None = None,
        stream: str = "",
        min_accuracy: float | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Ask for one inference and wait for it.

        Args:
            frame: uint8 [height, width, 3] or [height, width] of any size; for task ``tensor`` the model's input, a
                list of them, or a mapping by name; or the bytes of a JPEG.
            colour: order of the channels; by default RGB, or GRAY for a frame without three channels.
            deadline_ms: how old the answer may be; one that cannot be had in time is refused at once.
            stream: name of the camera.
            min_accuracy: the accuracy (0..1) that is needed; the client's own by default.
            timeout_s: how long to wait; the client's own by default.

        Raises:
            NoAnswer: nothing came within ``timeout_s``.
            RequestError: the daemon's refusal (BadRequest, Busy, Expired, Unavailable ...).
            UsageError: a client that is closed, forked, or used from two threads.
        """
        self._own()
        wanted = self._min_accuracy if min_accuracy is None else min_accuracy
        request = to_request(frame, colour, deadline_ms, stream, min_accuracy=wanted)
        return self._wait(self._dialogue.ask(request), timeout_s)

    def infer_jpeg(
        self,
        data: bytes | bytearray | memoryview,
        *,
        deadline_ms: float | None = None,
        stream: str = "",
        min_accuracy: float | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """As ``infer``, for the bytes of a JPEG."""
        return self.infer(
            data,
            deadline_ms=deadline_ms,
            stream=stream,
            min_accuracy=min_accuracy,
            timeout_s=timeout_s,
        )

    def submit(
        self,
        frame: Frame,
        *,
        colour: Colour | None = None,
        deadline_ms: float | None = None,
        stream: str = "",
        min_accuracy: float | None = None,
        copy: bool = True,
    ) -> InFlight:
        """Ask for one inference and return at once; arguments as for ``infer``.

        With ``copy`` (the default) the frame may be overwritten as soon as this returns; without it, not before
        the answer is there.

        Raises:
            Busy: ``max_in_flight`` requests are under way.
        """
        self._own()
        wanted = self._min_accuracy if min_accuracy is None else min_accuracy
        request = to_request(frame, colour, deadline_ms, stream, min_accuracy=wanted)
        return InFlight(self, self._dialogue.ask(to_own(request) if copy else request))

    def map(
        self,
        frames: Iterable[Frame],
        *,
        in_flight: int = 4,
        timeout_s: float | None = None,
        **options: Any,
    ) -> Iterator[Answer]:
        """Answers for ``frames`` in order, with up to ``in_flight`` requests under way; options as for ``submit``."""
        waiting: deque[InFlight] = deque()
        try:
            for frame in frames:
                waiting.append(self.submit(frame, **options))
                if len(waiting) >= in_flight:
                    yield waiting.popleft().result(timeout_s)
            while waiting:
                yield waiting.popleft().result(timeout_s)
        finally:
            for left in waiting:
                left.cancel()

    def describe(self, *, timeout_s: float | None = None) -> Mapping[str, Any]:
        """The ladder's contract: task, labels, limits, variants."""
        self._own()
        return self._wait(self._dialogue.ask(Request("describe")), timeout_s).result

    def watch(
        self, *, address: str | None = None, timeout_s: float | None = None
    ) -> Generator[Change, None, None]:
        """Which variant answers, why, and how far each limit is: now, and whenever that changes.

        The iterator has a connection of its own: any thread may use it, and this client goes on as before.

        Args:
            address: the watch endpoint of a daemon on another machine; then all its ladders are told.
            timeout_s: how long to wait for a word of the daemon, which speaks every 5 s at least; None: for ever.

        Raises:
            NoAnswer: nothing was heard for ``timeout_s``.
            UsageError: no ``address``, and a ladder that is not a socket in a runtime folder.
        """
        if address is not None:
            return watch(address=address, timeout_s=timeout_s)
        beside, ladder = watch_address(self.endpoint)
        return watch(ladder, address=beside, timeout_s=timeout_s)

    def ping(self, *, timeout_s: float | None = None) -> float:
        """Round trip to the worker in milliseconds."""
        self._own()
        return self._wait(self._dialogue.ask(Request("ping")), timeout_s).round_trip_ms

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
        """Drop the connection; what is in flight ends with NoAnswer. Closing twice is allowed."""
        self._dialogue.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ inside
    def _wait(self, pending: Pending, timeout_s: float | None) -> Answer:
        dialogue = self._dialogue
        patience_s = self._timeout_s if timeout_s is None else timeout_s
        until_s = dialogue.now_s() + patience_s
        try:
            while not pending.done:
                left_s = until_s - dialogue.now_s()
                if left_s <= 0:
                    dialogue.give_up(pending, patience_s)
                else:
                    dialogue.link.poll(left_s)
                    dialogue.turn()
        finally:
            if not pending.done:  # interrupted (Ctrl-C): nobody will ask for it again
                dialogue.drop(pending)
        return outcome(pending)

    def _own(self) -> None:
        me = threading.get_ident()
        if self._thread is None:
            self._thread = me
        elif self._thread != me:
            raise UsageError(
                "cannot use one client from two threads: ZeroMQ sockets are not thread-safe, make one for each"
            )
        self._dialogue.check()
