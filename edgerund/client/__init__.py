"""The client library: sends frames, gets answers, survives a restart of the daemon. Needs numpy and pyzmq only."""

from __future__ import annotations

from edgerund.client.answer import Answer, Detection, Label
from edgerund.client.asynchronous import AsyncClient
from edgerund.client.in_flight import InFlight
from edgerund.client.session import Counters
from edgerund.client.synchronous import Client
from edgerund.client.watching import Change

__all__ = [
    "Answer",
    "AsyncClient",
    "Change",
    "Client",
    "Counters",
    "Detection",
    "InFlight",
    "Label",
]
