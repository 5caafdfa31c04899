"""One request of the blocking client that is under way: what ``submit`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgerund.client.answer import Answer
from edgerund.client.session import Pending

if TYPE_CHECKING:
    from edgerund.client.synchronous import Client


class InFlight:
    """One request under way; made by ``Client.submit``."""

    def __init__(self, client: Client, pending: Pending) -> None:
        self._client = client
        self._pending = pending

    def done(self) -> bool:
        """True if ``result`` will not wait."""
        if not self._pending.done:
            self._client._own()
            self._client._dialogue.turn()
        return self._pending.done

    def result(self, timeout_s: float | None = None) -> Answer:
        """Wait for the answer; raises what ``Client.infer`` raises. May be asked again."""
        if not self._pending.done:
            self._client._own()
        return self._client._wait(self._pending, timeout_s)

    def cancel(self) -> None:
        """Stop waiting. The daemon may still do the work; its answer is dropped."""
        self._client._dialogue.drop(self._pending)
