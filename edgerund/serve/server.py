"""The serving thread: owns the ROUTER socket and the live engine, and answers every request exactly once.

One request can be read top to bottom here: ``_drain`` takes it off the socket, ``_answer`` runs it, ``_send``
replies. No internal hop: measured on 2 cores, one thread cost 114-120 us where two cost 148-154 us.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import zmq

from edgerund.errors import Expired, InferenceFailed, RequestError, Unavailable
from edgerund.mailbox import Mailbox
from edgerund.serve.counting import EngineCounts
from edgerund.serve.describe import describe
from edgerund.serve.live import Live
from edgerund.serve.mail import (
    AgentMail,
    Beside,
    Bind,
    Finish,
    GaveUp,
    GiveUp,
    Probe,
    Relabel,
    Sampled,
    ServingMail,
    Suspect,
    TakeOver,
    ThreadEnded,
    TookOver,
    TurnAway,
)
from edgerund.serve.report import figures
from edgerund.serve.shadow import Sampler
from edgerund.serve.sockets import MakeSocket
from edgerund.serve.stats import Stats
from edgerund.serve.suspicion import Suspicion
from edgerund.serve.waiting import NEVER_S, Waiting, WaitingRoom
from edgerund.types import LadderPlan
from edgerund.wire import (
    Buffer,
    Reply,
    Request,
    encode_reply,
    error_reply,
    parse_request,
    salvage_id,
    split,
)

LAST_ANSWERS_S = 0.5
"""How long a server that ends still answers what it took, after it stopped taking more."""
MAX_DRAIN = 256
"""Messages taken off the socket per turn, so that a flood cannot keep the engine waiting for ever."""


class Server(threading.Thread):
    """Answers the requests of one ladder."""

    def __init__(
        self,
        ladder: LadderPlan,
        make_socket: MakeSocket,
        agent: Mailbox[AgentMail],
        max_queue: int = 64,
        clock: Callable[[], float] = time.monotonic,
        *,
        bound: bool = True,
    ) -> None:
        super().__init__(name="serving", daemon=True)
        self.inbox: Mailbox[ServingMail] = Mailbox()
        self._ladder = ladder
        self._make_socket = make_socket
        self._agent = agent
        self._bound = bound
        self._clock = clock
        self._queue = WaitingRoom(max_queue, ladder.max_bytes)
        self._live: Live | None = None
        self._stats = Stats(clock())
        self._counts = EngineCounts()
        self._sampler: Sampler | None = None
        self._suspicion = Suspicion(ladder)
        self._serving_since_s = 0.0
        self._hopeless = ""  # why nothing will take over, while nothing is live
        self._finish_by_s: float | None = None
        self._ended = False

    # ------------------------------------------------------------------ life
    def run(self) -> None:
        """Serve until told to finish."""
        error = ""
        context: zmq.Context[Any] = zmq.Context()
        try:
            self._socket, self._listen = self._make_socket(context)
            if self._bound:
                self._listen()
            self._poller = zmq.Poller()
            self._poller.register(self._socket, zmq.POLLIN)
            self._poller.register(self.inbox.fileno(), zmq.POLLIN)
            while not self._ended:
                self._turn()
            self._socket.close(linger=500)
        except Exception as e:  # noqa: BLE001 - outermost: the supervisor must learn that nobody answers any more
            error = f"cannot go on serving: {type(e).__name__}: {e}"
        self._agent.put(ThreadEnded("serving", error))
        context.destroy(linger=500)

    def _turn(self) -> None:
        ready = dict(self._poller.poll(self._patience_ms()))
        if self.inbox.fileno() in ready:
            for mail in self.inbox.drain():
                self._take(mail)
        late_s = -NEVER_S if self._finish_by_s is None else self._clock() - self._finish_by_s
        if late_s < 0.0:
            self._drain()  # what is not taken off the socket any more, clients send to the successor
        if self._queue:
            self._expire()
        if self._queue and self._live is not None:
            self._answer(self._live, self._queue.pop())
        if self._finish_by_s is not None and (
            not self._queue or self._live is None or late_s >= LAST_ANSWERS_S
        ):
            self._end()

    def _patience_ms(self) -> int | None:
        if self._queue and self._live is not None:
            return 0
        if self._finish_by_s is not None:
            return 0
        nearest_s = self._queue.nearest_s()
        if nearest_s == NEVER_S:
            return None
        return max(0, int((nearest_s - self._clock()) * 1e3) + 1)

    def _end(self) -> None:
        self._refuse_all("cannot answer: shutting down")
        self._ended = True

    def _refuse_all(self, text: str) -> None:
        while self._queue:
            w = self._queue.pop()
            self._refuse(w.envelope, w.request.id, Unavailable(text))

    # ------------------------------------------------------------------ in
    def _drain(self) -> None:
        """Take what waits on the socket: queue it, or answer it at once."""
        for _ in range(MAX_DRAIN):
            # asking first costs 2 us, the exception of an empty socket 7
            if not int(self._socket.get(zmq.EVENTS)) & zmq.POLLIN:
                return
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:  # its sender went away just now
                return
            self._accept([f.buffer for f in frames])

    def _accept(self, frames: Sequence[Buffer]) -> None:
        # frame 0 is the peer's identity, which ROUTER put there; identities are never empty
        parts = split(frames)
        if parts is None:
            self._stats.dropped("no_envelope")
            return
        envelope, body = parts
        now_s = self._clock()
        try:
            request = parse_request(body, max_bytes=self._ladder.max_bytes)
            if request.op != "infer":
                self._tell(envelope, request)
                return
            if self._live is None and self._hopeless:
                raise Unavailable(self._hopeless)
            deadline_ms = request.deadline_ms
            expires_s = NEVER_S if deadline_ms is None else now_s + deadline_ms / 1e3
            self._queue.admit(Waiting(envelope, request, now_s, expires_s))
        except RequestError as e:
            self._refuse(envelope, salvage_id(body), e)
            return
        self._stats.asked(deadline_ms, request.min_accuracy)

    def _expire(self) -> None:
        """Answer what is past its deadline: an old answer is worth nothing, and the engine's time is."""
        for w in self._queue.take_expired(self._clock()):
            error = Expired(f"cannot answer within {w.request.deadline_ms:g} ms: it waited longer")
            self._refuse(w.envelope, w.request.id, error, missed=True)

    # ------------------------------------------------------------------ through
    def _answer(self, live: Live, w: Waiting) -> None:
        """Prepare, infer, finish, encode: one request through the live engine."""
        try:
            reply, stages_ms = live.answer(w.request, w.arrived_s, w.expires_s)
            frames = encode_reply(w.envelope, reply)
        except InferenceFailed as e:
            self._fail(live, w, e)
            return
        except RequestError as e:
            self._refuse(w.envelope, w.request.id, e)
            return
        except Exception as e:  # noqa: BLE001 - a plug-in's mistake: the client still gets its one reply
            failure = InferenceFailed(f"cannot infer with {live.name!r}: {type(e).__name__}: {e}")
            self._fail(live, w, failure)
            return
        self._send(frames)  # counting can wait, the client cannot
        self._suspicion.forget()
        # what waited for a worker to come back says nothing about how fast the variant is
        self._stats.answered(live.name, stages_ms, sample=w.arrived_s >= self._serving_since_s)
        if (
            self._sampler is not None
            and self._sampler.wants()
            and not self._queue
            and not int(self._socket.get(zmq.EVENTS)) & zmq.POLLIN  # nobody waits for anything
        ):
            self._agent.put(Sampled(w.request, reply))

    def _fail(self, live: Live, w: Waiting, error: InferenceFailed) -> None:
        self._stats.failed(error.wire_code)
        self._send(encode_reply(w.envelope, error_reply(error, w.request.id, None, live.name)))
        wrong = self._suspicion.failed(live.resident)
        if wrong:
            self._agent.put(Suspect(live.name, f"failed while serving: {wrong}"))

    def _tell(self, envelope: Sequence[Buffer], request: Request) -> None:
        live = self._live
        result = (
            describe(self._ladder, live.resident if live else None)
            if request.op == "describe"
            else {}
        )
        name = live.name if live else ""
        self._stats.outcomes[request.op] += 1
        self._send(encode_reply(envelope, Reply(request.id, name, self._ladder.task, result)))

    # ------------------------------------------------------------------ out
    def _refuse(
        self, envelope: Sequence[Buffer], request_id: str, error: RequestError, missed: bool = False
    ) -> None:
        self._stats.refused(error.wire_code)
        live = self._live.name if self._live else ""
        reply = error_reply(error, request_id, "missed" if missed else None, live)
        self._send(encode_reply(envelope, reply))

    def _send(self, frames: Sequence[Buffer]) -> None:
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK, copy=True)
        except zmq.Again:
            self._stats.dropped("client_not_reading")
        except zmq.ZMQError as e:
            if e.errno not in (zmq.EHOSTUNREACH, zmq.EINVAL):
                raise
            self._stats.dropped("client_gone")

    # ------------------------------------------------------------------ between two frames
    def _take(self, mail: ServingMail) -> None:
        """Everything that may change what answers; only ever called between two inferences."""
        if isinstance(mail, TakeOver):
            previous = self._live.name if self._live else ""
            if self._live is None:
                self._serving_since_s = self._clock()
            self._hopeless = ""
            self._live = Live(self._ladder, mail, self._clock)
            self._suspicion.forget()
            self._counts.change(mail.resident.plan.name, mail.resident.engine)
            self._stats.forget_samples()
            self._agent.put(TookOver(mail.resident, previous, mail.code))
        elif isinstance(mail, Relabel):
            if self._live is not None:
                self._live.relabel(mail.code, mail.text, mail.fps)
        elif isinstance(mail, GiveUp):
            if self._live is not None:
                self._counts.change("", None)
                self._agent.put(GaveUp(self._live.name))
                self._live = None
        else:
            self._steer(mail)

    def _steer(self, mail: ServingMail) -> None:
        if isinstance(mail, Probe):
            name = self._live.name if self._live else ""
            depth = len(self._queue)
            self._agent.put(
                figures(mail.seq, name, depth, self._clock(), self._stats, self._counts)
            )
        elif isinstance(mail, Bind):
            self._listen()
        elif isinstance(mail, Beside):
            self._sampler = Sampler(mail, self._clock) if mail.share > 0.0 else None
        elif isinstance(mail, TurnAway):
            self._hopeless = mail.text
            if self._live is None:
                self._refuse_all(mail.text)
        elif isinstance(mail, Finish):
            self._finish_by_s = self._clock() + mail.drain_s
