"""When a voluntary swap may be made: dwell, one step up, and a token bucket that bounds swaps per hour."""

from __future__ import annotations

from typing import NamedTuple

from edgerund.policy.bounds import at_least, at_most, within
from edgerund.types.policy import Switching


class SwitchMemory(NamedTuple):
    """What was chosen last, since when, and how many swaps the bucket still holds (negative: owed).

    ``cause`` is the reason code of the last change.
    """

    chosen: str | None = None
    since_s: float = 0.0
    tokens: float | None = None
    filled_s: float = 0.0
    cause: str = "start"


FIRST_TOKENS = 2.0  # a restart or a reload is no way to a full bucket


def burst(terms: Switching) -> float:
    """The bucket's size; with ``_rate`` no hour sees more than ``max_per_hour`` paid swaps."""
    return within(1.0, terms.max_per_hour / 7.5, 8.0)


def _rate_hz(terms: Switching, most: float) -> float:
    """Tokens per second into a bucket of size ``most``."""
    return at_least(0.0, terms.max_per_hour - most) / 3600.0 or terms.max_per_hour / 7200.0


def refill(memory: SwitchMemory, terms: Switching, now_s: float) -> SwitchMemory:
    """The memory with the tokens that came in since it was last filled."""
    chosen, since_s, tokens, filled_s, cause = memory
    most = burst(terms)
    if tokens is None:
        tokens = FIRST_TOKENS
    else:
        tokens += at_least(0.0, now_s - filled_s) * _rate_hz(terms, most)
    return SwitchMemory(chosen, since_s, at_most(most, tokens), now_s, cause)


def dwell_left_s(
    memory: SwitchMemory, terms: Switching, live_since_s: float, now_s: float
) -> float:
    """How long a voluntary swap still has to wait; 0: not at all."""
    changed_s = min(live_since_s, now_s)
    if memory.chosen is not None:
        changed_s = max(memory.since_s, changed_s)
    return max(0.0, terms.dwell_s - (now_s - changed_s))


def token_left_s(memory: SwitchMemory, terms: Switching) -> float:
    """How long until the bucket holds a whole token; 0: it does."""
    tokens = memory.tokens if memory.tokens is not None else FIRST_TOKENS
    return max(0.0, 1.0 - tokens) / _rate_hz(terms, burst(terms))


def switched(
    memory: SwitchMemory, terms: Switching, chosen: str, cause: str, now_s: float
) -> SwitchMemory:
    """The memory after a decision for ``chosen``. Every swap is paid; safety moves may go into debt.

    The way down that a lost sense forces costs nothing, the way back does: an outage is no doing of the controller's,
    and pays one swap, not two.
    """
    if chosen == memory.chosen:
        return memory
    if memory.chosen is None:
        return memory._replace(chosen=chosen, since_s=now_s, cause=cause)
    price = 0.0 if cause == "sensor_lost" else 1.0
    tokens = (memory.tokens if memory.tokens is not None else FIRST_TOKENS) - price
    return SwitchMemory(chosen, now_s, max(-burst(terms), tokens), memory.filled_s, cause)
