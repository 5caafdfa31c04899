"""The process that holds a policy's network: native code must not be able to end or to hang the supervisor.

One JSON object per packet. First ``{"ready": variants}`` or ``{"error": why}``, then to each question
``{"seq": n, "asked": {ladder: [[variant ...], [number ...]]}}`` one answer
``{"seq": n, "said": {ladder: [variant, trouble]}}``.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import threading
from pathlib import Path
from typing import Any

from edgerund.errors import EdgerundError
from edgerund.learned.network import Network, proposal
from edgerund.policy.learned import Question

MAX_PACKET_BYTES = 128 * 1024
EXIT_ALONE = 3


def network_main(file: str, sha256: str, supervisor: socket.socket) -> None:
    """The body of the process: load, then answer until the supervisor is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(supervisor,), daemon=True).start()
    try:
        network = Network(Path(file), sha256)
    except EdgerundError as e:
        _say(supervisor, {"error": str(e)})
        return
    _say(supervisor, {"ready": network.variants})
    while packet := supervisor.recv(MAX_PACKET_BYTES):
        question = json.loads(packet)
        said = {
            name: proposal(network, Question(tuple(variants), tuple(seen)))
            for name, (variants, seen) in question["asked"].items()
        }
        answer = {name: [p.variant, p.trouble] for name, p in said.items()}
        _say(supervisor, {"seq": question["seq"], "said": answer})


def _say(supervisor: socket.socket, message: dict[str, Any]) -> None:
    supervisor.send(json.dumps(message).encode())


def _leave_with(supervisor: socket.socket) -> None:
    """End with the supervisor, also in the midst of an inference that never ends."""
    poller = select.poll()
    poller.register(supervisor.fileno(), select.POLLHUP)
    poller.poll()
    os._exit(EXIT_ALONE)
