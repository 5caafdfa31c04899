"""Asks the network of a learned policy, which lives in a process of its own, and waits for it for a moment only.

Whatever it does (lies, hangs, dies), the policy decides alone at that tick, and the journal says so once.
"""

from __future__ import annotations

import contextlib
import json
import logging
import select
import socket
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from edgerund.clock import Clock
from edgerund.daemon.restarts import Restarts
from edgerund.daemon.spawn import spawn_network
from edgerund.daemon.worker_link import Child, how
from edgerund.policy.learned import Question
from edgerund.types import Proposal
from edgerund.types.policy import LearnedTerms

log = logging.getLogger("edgerund.learned")
HANG_S = 5.0
"""Who has not answered for so long is killed, and started again."""
LOAD_S = 60.0
QUIET_S = 600.0
"""The same trouble is told again in the journal after so long."""
LOADS = "it is still being loaded"
MAX_PACKET_BYTES = 128 * 1024

Spawn: TypeAlias = Callable[[LearnedTerms], tuple[Child, socket.socket]]


class Advisor:
    """One policy's network. ``keep_alive`` starts it; calling it asks (``policy.learned.Advise``).

    ``refused`` is why the file cannot be loaded, None before it was tried and once it is loaded.
    ``variants`` is how many it scores, None where it does not say.
    """

    def __init__(self, terms: LearnedTerms, clock: Clock, spawn: Spawn = spawn_network) -> None:
        self.terms = terms
        self.ready = False
        self.refused: str | None = None
        self.variants: int | None = None
        self.trouble = LOADS
        self._clock, self._spawn = clock, spawn
        self._restarts = Restarts(clock.monotonic_s())
        self._child: Child | None = None
        self._socket: socket.socket | None = None
        self._seq = self._restarted = 0
        self._waits_since_s: float | None = None
        self._said: Mapping[str, Proposal] | None = None
        self._told_s: dict[str, float] = {}

    def __call__(self, asked: Mapping[str, Question]) -> Mapping[str, Proposal]:
        """What the network proposes. Waits ``budget_ms`` at most, and not at all for one that is behind."""
        self.keep_alive(self._clock.monotonic_s())
        if self._socket is not None and self.ready and self._waits_since_s is None:
            self._ask(asked, self._socket)
        if self._said is None:
            self._tell(self.trouble)
            return {name: Proposal(None, self.trouble) for name in asked}
        said, self._said = self._said, None
        troubles = [p.trouble for p in said.values() if p.variant is None]
        self.trouble = troubles[0] if troubles else ""
        self._tell(self.trouble)
        return {name: said[name] for name in asked if name in said}

    def keep_alive(self, now_s: float) -> None:
        """Hear what it said, end one that hangs, start one that is due."""
        self._listen(now_s)
        most_s = HANG_S if self.ready else LOAD_S
        if self._waits_since_s is not None and now_s - self._waits_since_s > most_s:
            self._end(f"it did not answer for {most_s:g} s", now_s)
        if self._socket is None and self._restarts.take(now_s):
            try:
                self._child, self._socket = self._spawn(self.terms)
            except OSError as e:
                self._failed(f"its process cannot be started: {e.strerror}", now_s)
                return
            self._waits_since_s = now_s

    def status(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "file": self.terms.file,
            "sha256": self.terms.sha256,
            "pid": None if self._child is None else self._child.pid,
            "trouble": self.trouble,
        }

    def discard(self) -> None:
        """End its process, for good."""
        self._restarts.never()
        self._let_go()

    def _ask(self, asked: Mapping[str, Question], sock: socket.socket) -> None:
        self._seq += 1
        self._said = None
        self._waits_since_s = self._clock.monotonic_s()
        message = {"seq": self._seq, "asked": asked}
        self.trouble = f"no answer within {self.terms.budget_ms:g} ms"
        with contextlib.suppress(OSError):  # its death is seen by _listen
            sock.send(json.dumps(message).encode())
        poller = select.poll()
        poller.register(sock, select.POLLIN)
        poller.poll(self.terms.budget_ms)
        self._listen(self._clock.monotonic_s())

    def _listen(self, now_s: float) -> None:
        while self._socket is not None:
            try:
                packet = self._socket.recv(MAX_PACKET_BYTES)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if not packet:
                self._ended(now_s)
                return
            try:
                self._heard(json.loads(packet), now_s)
            except (ValueError, KeyError, TypeError):
                self._end("it answers nonsense", now_s)

    def _heard(self, message: dict[str, Any], now_s: float) -> None:
        if "error" in message:
            self.refused = str(message["error"])
            self._end(self.refused, now_s)
            return
        self._waits_since_s = None
        if "ready" in message:
            if self._restarted == 0:
                log.info("the learned policy %s is asked from now on", self.terms.file)
            self.ready, self.refused, self.variants = True, None, message["ready"]
            self.trouble = ""
            self._restarted += 1
        elif message["seq"] == self._seq:
            said = {
                str(n): Proposal(variant, text) for n, (variant, text) in message["said"].items()
            }
            self._said, self.trouble = said, ""

    def _ended(self, now_s: float) -> None:
        ended = self._child.ended() if self._child is not None else None
        self._end(f"its process ended ({how(ended)})", now_s)

    def _end(self, why: str, now_s: float) -> None:
        self._let_go()
        self._failed(why, now_s)

    def _failed(self, why: str, now_s: float) -> None:
        self.trouble = why
        self._said = None
        self._restarts.failed(why, now_s)

    def _let_go(self) -> None:
        self.ready = False
        self._waits_since_s = None
        if self._child is not None:
            self._child.kill()
        if self._socket is not None:
            self._socket.close()
        self._child = self._socket = None

    def _tell(self, trouble: str) -> None:
        """The same trouble once in a while: one that comes and goes must not fill the journal."""
        now_s = self._clock.monotonic_s()
        if trouble in ("", LOADS):
            if not trouble and self._told_s:
                since_s = max(self._told_s.values())
                if now_s - since_s > QUIET_S:
                    log.info("the learned policy answers again")
                    self._told_s.clear()
            return
        if now_s - self._told_s.get(trouble, -QUIET_S) >= QUIET_S:
            self._told_s[trouble] = now_s
            log.warning("the learned policy has no say, the policy decides alone: %s", trouble)
