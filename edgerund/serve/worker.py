"""One ladder's worker: two threads and the agent, joined to the supervisor by one socket of small packets.

``Worker.run`` is the body of the worker process; tests and embedders run the very same class in a thread.
"""

from __future__ import annotations

import contextlib
import select
import socket
import sys
import time

from edgerund.mailbox import Mailbox
from edgerund.serve.agent import Agent
from edgerund.serve.loader import Loader
from edgerund.serve.mail import (
    AgentMail,
    Bind,
    CloseDone,
    Compared,
    Figures,
    Finish,
    GaveUp,
    LoadDone,
    LoadFailed,
    Probe,
    Sampled,
    Suspect,
    ThreadEnded,
    TookOver,
    TurnAway,
)
from edgerund.serve.options import WorkerOptions
from edgerund.serve.report import report
from edgerund.serve.server import Server
from edgerund.serve.sockets import Listener, router
from edgerund.types import LadderPlan
from edgerund.types import worker as w


class Worker:
    """Serves one ladder until the supervisor says stop, or its end of the socket closes."""

    def __init__(
        self,
        ladder: LadderPlan,
        listeners: tuple[Listener, ...],
        supervisor: socket.socket,
        options: WorkerOptions,
    ) -> None:
        self._supervisor = supervisor
        self._inbox: Mailbox[AgentMail] = Mailbox()
        self._server = Server(
            ladder,
            router(listeners, ladder.max_bytes),
            self._inbox,
            options.max_queue,
            bound=options.bound,
        )
        self._loader = Loader(ladder, options.threads, options.cache_dir, self._inbox)
        self._agent = Agent(ladder, self._server.inbox, self._loader.inbox, self._tell)
        self._stopping = False
        self._silence_s = options.silence_s
        # when the control loop spoke last; None: it has yet to begin, or is silent and that was seen to
        self._steered_s: float | None = None
        self._poller = select.poll()
        self._poller.register(self._supervisor.fileno(), select.POLLIN)
        self._poller.register(self._inbox.fileno(), select.POLLIN)

    def run(self) -> int:
        """Serve; returns the exit code of the process: 0 if asked to stop, 1 if a thread died."""
        self._server.start()
        self._loader.start()
        code: int | None = None
        while code is None:
            code = self._turn()
        self._loader.inbox.put(None)
        self._server.inbox.put(Finish(0))
        self._server.join(timeout=2.0)
        return code

    def close(self) -> None:
        """After ``run``: close every engine and descriptor. For those who embed it; a process just ends.

        What a thread that hangs in native code still uses is left behind.
        """
        self._loader.join(timeout=2.0)
        if self._server.is_alive() or self._loader.is_alive():
            return
        for mail in self._inbox.drain():
            if isinstance(mail, LoadDone):
                self._agent.load_done(mail)
        for resident in self._agent.residents:
            resident.engine.close()
        for box in (self._server.inbox, self._loader.inbox, self._inbox):
            box.close()
        self._supervisor.close()

    def _turn(self) -> int | None:
        # poll, not select: select knows no descriptor above 1023
        ready = dict(self._poller.poll(self._patience_ms()))
        if self._supervisor.fileno() in ready:
            packet = self._receive()
            if not packet:
                return 0 if self._stopping else 1  # the supervisor is gone: nobody would steer us
            self._obey(w.decode(packet))
        elif self._steered_s is not None and self._patience_ms() == 0:
            # nothing waits on the socket, so it is the loop that stood still, and not we
            self._agent.unsteered(time.monotonic() - self._steered_s)
            self._steered_s = None
        for mail in self._inbox.drain():
            code = self._hear(mail)
            if code is not None:
                return code
        if self._agent.shadow.stuck(time.monotonic()):
            print(f"edgerund worker: {self._agent.shadow.lent!r} hangs beside", file=sys.stderr)  # noqa: T201
            return 1
        return None

    def _patience_ms(self) -> int | None:
        if self._steered_s is None or self._stopping:
            return None
        return max(0, int((self._steered_s + self._silence_s - time.monotonic()) * 1e3))

    def _receive(self) -> bytes:
        try:
            return self._supervisor.recv(w.MAX_PACKET_BYTES)
        except OSError:
            return b""

    def _obey(self, message: w.Message) -> None:
        if isinstance(message, (w.Ask, w.Alive)) or self._steered_s is not None:
            self._steered_s = time.monotonic()
        if isinstance(message, w.Serve):
            self._agent.serve(message)
        elif isinstance(message, w.Warm):
            self._agent.warm(message)
        elif isinstance(message, w.Retire):
            self._agent.retire(message)
        elif isinstance(message, w.Beside):
            self._agent.beside(message)
        elif isinstance(message, w.Open):
            self._server.inbox.put(Bind())
        elif isinstance(message, w.Refuse):
            self._server.inbox.put(TurnAway(message.text))
        elif isinstance(message, w.Ask):
            self._server.inbox.put(Probe(message.seq))
        elif isinstance(message, w.Stop):
            self._stopping = True
            self._server.inbox.put(Finish(message.drain_s))

    def _hear(self, mail: AgentMail) -> int | None:
        agent = self._agent
        if isinstance(mail, TookOver):
            agent.took_over(mail)
        elif isinstance(mail, Figures):
            alive = self._loader.is_alive()
            self._tell(report(mail, agent.loading, agent.shadow.take(), loader_alive=alive))
        elif isinstance(mail, Sampled):
            agent.sampled(mail)
        elif isinstance(mail, Compared):
            agent.compared(mail)
        elif isinstance(mail, LoadDone):
            agent.load_done(mail)
        elif isinstance(mail, LoadFailed):
            agent.load_failed(mail)
        elif isinstance(mail, CloseDone):
            agent.closed(mail)
        elif isinstance(mail, GaveUp):
            agent.gave_up(mail)
        elif isinstance(mail, Suspect):
            agent.suspect(mail)
        elif isinstance(mail, ThreadEnded):
            if mail.thread == "serving" and self._stopping and not mail.error:
                return 0
            print(f"edgerund worker: {mail.thread} thread ended: {mail.error}", file=sys.stderr)  # noqa: T201
            return 1
        return None

    def _tell(self, message: w.Message) -> None:
        with contextlib.suppress(OSError):  # the next turn sees the closed socket
            self._supervisor.send(w.encode(message))
