"""What the threads of one worker put into each other's mailboxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from edgerund.ports import Engine, Pipeline
from edgerund.serve.stats import Window
from edgerund.types import VariantPlan
from edgerund.wire import Reply, Request


@dataclass(frozen=True, slots=True)
class Resident:
    """A variant that is loaded, warm and verified. Used by the serving thread alone while it is live."""

    plan: VariantPlan
    engine: Engine
    pipeline: Pipeline
    load_ms: float
    memory_bytes: int
    verified: bool


# ------------------------------------------------------------------ agent -> serving thread
@dataclass(frozen=True, slots=True)
class TakeOver:
    """Answer with this one from the next frame on; ``code``, ``text`` and ``fps`` go into replies."""

    resident: Resident
    code: str = ""
    text: str = ""
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class Relabel:
    """The same variant goes on, for another reason or with another advice."""

    code: str
    text: str
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Hand the live engine back; requests wait until the next ``TakeOver``."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Say that you are alive, and hand over the figures."""

    seq: int


@dataclass(frozen=True, slots=True)
class Bind:
    """Take connections from now on."""


@dataclass(frozen=True, slots=True)
class TurnAway:
    """Nothing will take over: while no engine is live, refuse requests instead of letting them wait."""

    text: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Hand over a sample of the frames that were answered while nothing else waited; ``share`` 0: none."""

    share: float = 0.0
    max_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Finish:
    """Answer what waits for up to ``drain_s``, then end the thread."""

    drain_s: float


ServingMail: TypeAlias = TakeOver | Relabel | GiveUp | Probe | Bind | TurnAway | Beside | Finish


# ------------------------------------------------------------------ agent -> loader thread
@dataclass(frozen=True, slots=True)
class LoadJob:
    """Load, warm and verify one variant."""

    plan: VariantPlan


@dataclass(frozen=True, slots=True)
class CloseJob:
    """Close an engine and give its memory back to the system."""

    resident: Resident


@dataclass(frozen=True, slots=True)
class CompareJob:
    """Ask ``resident`` what was asked before, and compare the answers; ``about`` is whose agreement that tells."""

    resident: Resident
    request: Request
    reply: Reply
    about: str


LoaderMail: TypeAlias = LoadJob | CloseJob | CompareJob | None


# ------------------------------------------------------------------ serving and loader threads -> agent
@dataclass(frozen=True, slots=True)
class TookOver:
    """``resident`` is live; the previous one, if any, is free again."""

    resident: Resident
    previous: str
    code: str


@dataclass(frozen=True, slots=True)
class GaveUp:
    """Nothing is live; ``previous`` is free."""

    previous: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Answer to a ``Probe``: copies, except the window, which changes hands."""

    seq: int
    variant: str
    now_s: float
    queue_depth: int
    window: Window
    outcomes: Mapping[str, int]
    answered_by: Mapping[str, int]
    histograms: Mapping[str, Any]
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    escalated: float | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """The live engine fails on the golden input too: it, not the frames, is broken."""

    variant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """A frame of the sample, with what the live variant answered."""

    request: Request
    reply: Reply


@dataclass(frozen=True, slots=True)
class Compared:
    """What two answers have in common (0..1); None where that says nothing. The engine is free again."""

    about: str
    in_common: float | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class LoadDone:
    """A load job ended well."""

    resident: Resident


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A load job ended badly."""

    variant: str
    reason: str


@dataclass(frozen=True, slots=True)
class CloseDone:
    """An engine is closed and its memory given back."""

    variant: str


@dataclass(frozen=True, slots=True)
class ThreadEnded:
    """A thread has left; ``error`` is empty if it was asked to."""

    thread: str
    error: str = ""


AgentMail: TypeAlias = (
    TookOver
    | GaveUp
    | Figures
    | Suspect
    | Sampled
    | Compared
    | LoadDone
    | LoadFailed
    | CloseDone
    | ThreadEnded
)
