"""What the supervisor and a worker say to each other: flat messages, one JSON object per packet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias


# ------------------------------------------------------------------ supervisor -> worker
@dataclass(frozen=True, slots=True)
class Warm:
    """Make ``variant`` resident: load, warm and verify it beside the live one."""

    variant: str


@dataclass(frozen=True, slots=True)
class Serve:
    """Make ``variant`` live, loading it first if need be.

    ``code`` and ``text`` are the reason that replies carry; empty while nothing degrades the service.
    ``break_first`` retires the live engine before the load, because both do not fit into memory. ``fps`` is the frame
    rate that replies advise, if any.
    """

    variant: str
    code: str = ""
    text: str = ""
    break_first: bool = False
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """Run ``variant`` too on a ``share`` (0..1) of the answered frames, at most ``max_per_s``; empty: on none."""

    variant: str = ""
    share: float = 0.0
    max_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Retire:
    """Close ``variant`` and give its memory back. Ignored for the live one."""

    variant: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a ``Report`` with the same ``seq``."""

    seq: int


@dataclass(frozen=True, slots=True)
class Alive:
    """The control loop turns; nothing to do. Sent where no question is due for a while."""


@dataclass(frozen=True, slots=True)
class Open:
    """Take connections: the worker that had them before has stopped."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """No variant is usable: while none is live, answer every request with ``unavailable`` and ``text``."""

    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Answer what waits for up to ``drain_s``, then leave."""

    drain_s: float = 2.0


# ------------------------------------------------------------------ worker -> supervisor
@dataclass(frozen=True, slots=True)
class Loading:
    """The loader began with ``variant``: if the worker dies now, this is the suspect."""

    variant: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """``variant`` is resident. ``memory_bytes`` is the growth of the worker's resident set."""

    variant: str
    load_ms: float
    memory_bytes: int
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """``variant`` cannot be used: the reason for its quarantine."""

    variant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Swapped:
    """``variant`` answers from now on. ``previous`` is empty for the first one."""

    variant: str
    previous: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Retired:
    """``variant`` is no longer resident."""

    variant: str


@dataclass(frozen=True, slots=True)
class Lowered:
    """Nobody steered for ``silent_s``: ``variant``, the cheapest that is resident, serves until the next wish."""

    variant: str
    silent_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """Counters since the worker's start and figures of the window since the previous report.

    ``outcomes`` counts replies by wire code ("ok", "busy" ...) and drops by name; ``histograms`` holds, for each
    stage, the counts per bucket (upper bounds in ``edgerund.types.worker.BUCKETS_MS``, then +Inf) and the sum
    in ms; ``figures`` are the fields of ``ServingFigures``; ``counters`` are, per variant, what its engine counted
    while it was live (a cascade: ``frames``, ``escalated_1`` ...).
    """

    seq: int
    live: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    answered_by: Mapping[str, int] = field(default_factory=dict)
    histograms: Mapping[str, Any] = field(default_factory=dict)
    rss_bytes: int = 0
    cpu_s: float = 0.0
    loading: str = ""
    loader_alive: bool = True
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


BUCKETS_MS: tuple[float, ...] = (
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
    200.0,
    500.0,
    1000.0,
    2000.0,
    5000.0,
)

Message: TypeAlias = (
    Warm
    | Serve
    | Beside
    | Retire
    | Ask
    | Alive
    | Open
    | Refuse
    | Stop
    | Loading
    | Loaded
    | Failed
    | Swapped
    | Retired
    | Lowered
    | Report
)
_TYPES: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        Warm,
        Serve,
        Beside,
        Retire,
        Ask,
        Alive,
        Open,
        Refuse,
        Stop,
        Loading,
        Loaded,
        Failed,
        Swapped,
        Retired,
        Lowered,
        Report,
    )
}
MAX_PACKET_BYTES = 65_536


def encode(message: Message) -> bytes:
    """One packet."""
    return json.dumps([type(message).__name__, asdict(message)], separators=(",", ":")).encode()


def decode(packet: bytes) -> Message:
    """The message of one packet. Raises ValueError, KeyError or TypeError for anything else."""
    name, fields = json.loads(packet)
    message: Message = _TYPES[name](**fields)
    return message
