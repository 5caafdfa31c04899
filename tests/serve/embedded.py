"""A worker in a thread of this process, as an embedder would run it; the test plays the supervisor."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zmq

from edgerund.config.ladder import load_ladder
from edgerund.serve.options import WorkerOptions
from edgerund.serve.sockets import Listener
from edgerund.serve.worker import Worker
from edgerund.types import worker as w
from tests.waiting import wait_for

HEADER = {"v": 1, "op": "infer", "encoding": "raw", "dtype": "uint8", "shape": [8, 8, 3]}


class Embedded:
    """A worker, its end of the socket, and what it said."""

    def __init__(self, ladder: Path, folder: Path, options: WorkerOptions) -> None:
        self.plan = load_ladder(ladder)
        self.endpoint = f"ipc://{folder}/{self.plan.name}.sock"
        self.said: list[w.Message] = []
        self.code: int | None = None
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)
        self.worker = Worker(self.plan, (Listener(self.endpoint),), theirs, options)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.code = self.worker.run()
        self.worker.close()

    def tell(self, message: w.Message) -> None:
        self._ours.send(w.encode(message))

    def listen(self) -> list[w.Message]:
        """Everything that the worker has said so far."""
        while True:
            try:
                packet = self._ours.recv(4 * w.MAX_PACKET_BYTES)
            except BlockingIOError:
                return self.said
            if not packet:
                return self.said
            self.said.append(w.decode(packet))

    def heard(self, kind: type[Any], **fields: Any) -> list[Any]:
        return [
            m
            for m in self.listen()
            if isinstance(m, kind) and all(getattr(m, k) == v for k, v in fields.items())
        ]

    def serve(self, variant: str, **more: Any) -> None:
        """Wish for a variant and wait until it answers."""
        before = len(self.heard(w.Swapped, variant=variant))
        self.tell(w.Serve(variant, **more))
        wait_for(
            lambda: len(self.heard(w.Swapped, variant=variant)) > before, what=f"{variant} live"
        )

    def end(self) -> None:
        self._ours.close()
        self.thread.join(timeout=20)
        assert not self.thread.is_alive()


@contextmanager
def embedded(ladder: Path, folder: Path, **options: Any) -> Iterator[Embedded]:
    e = Embedded(ladder, folder, WorkerOptions(**options))
    try:
        yield e
    finally:
        e.end()


class Asker:
    """A raw client: sends numbered requests, collects replies by number."""

    def __init__(self, endpoint: str) -> None:
        self.replies: dict[str, list[dict[str, Any]]] = {}
        self.sent = 0
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.connect(endpoint)

    def send(self, count: int = 1, **more: Any) -> None:
        for _ in range(count):
            self.sent += 1
            header = {**HEADER, "id": str(self.sent), **more}
            self._socket.send_multipart([b"", json.dumps(header).encode(), bytes(192)])

    def collect(self, wait_ms: int = 0) -> None:
        while self._socket.poll(wait_ms):
            reply = json.loads(self._socket.recv_multipart()[1])
            self.replies.setdefault(reply["id"], []).append(reply)

    def some_answered(self) -> bool:
        self.collect()
        return bool(self.replies)

    def all_answered(self) -> bool:
        self.collect()
        return len(self.replies) == self.sent

    def close(self) -> None:
        self._context.destroy(linger=0)
