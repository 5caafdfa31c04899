"""What was decided, and why, as data: log, ``why``, metrics, replies and replay print the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Reason:
    """The binding cause of a decision.

    ``code`` is stable and short: ``best`` (nothing binds), ``temperature``, ``power``, ``latency``, ``battery``,
    ``memory``, ``rule``, ``hold``, ``quarantine``, ``sensor_lost``, ``dwell``, ``budget``, ``floor`` (accuracy),
    ``energy`` (the objective), ``learned``, ``start``. ``observed``
    and ``limit`` are in the unit that ``constraint`` names (``temp_c`` ...). ``text`` is one sentence.
    """

    code: str
    text: str
    constraint: str = ""
    observed: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A variant that was not taken, and the reason that alone would have been enough."""

    variant: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Floor:
    """The highest accuracy (0..1) that clients asked for lately.

    ``granted`` is what the policy lets them have of it; ``met``: the chosen variant is known to have that.
    """

    asked: float
    granted: float
    met: bool


@dataclass(frozen=True, slots=True)
class Shadow:
    """A variant that also runs on a ``share`` (0..1) of the frames, at most ``max_per_s``, after their replies."""

    variant: str
    share: float
    max_per_s: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a variant answered like the ladder's best lately (0..1), over about ``frames`` frames.

    ``low`` and ``high`` enclose the true share with 95 %. ``expected`` is the card's, or what was seen here before.
    ``accuracy`` is what the variant counts for now; ``drifted``: the agreement fell by more than chance explains.
    """

    variant: str
    share: float
    low: float
    high: float
    frames: float
    expected: float
    accuracy: float
    drifted: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a learned policy said at one tick: a variant, or None with the ``trouble`` that it was in (a sentence)."""

    variant: str | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The chosen variant of one ladder at one tick.

    ``changed`` says that it differs from the live one; ``voluntary`` that no safety limit forced it.
    ``headroom`` is 0 (at the limit) .. 1 (far from it) per constraint. ``warm`` lists the variants to keep
    resident next, most wanted first. ``notes`` tell what absent senses changed. ``since_s`` is when this
    variant was chosen (monotonic, like ``at_s``). ``floor`` is None while no client asks for an accuracy.
    ``shadow`` is what runs beside, ``agreements`` what came of it.
    ``suggested_fps`` is None unless the policy advises clients of a frame rate. ``proposal`` is what a learned policy
    said, None where none was asked; with it a replay needs no network.
    """

    ladder: str
    variant: str
    reason: Reason
    at_s: float
    changed: bool = False
    voluntary: bool = True
    rejected: tuple[Rejection, ...] = ()
    headroom: Mapping[str, float] = field(default_factory=dict)
    warm: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    since_s: float | None = None
    floor: Floor | None = None
    shadow: Shadow | None = None
    agreements: tuple[Agreement, ...] = ()
    suggested_fps: float | None = None
    proposal: Proposal | None = None


Decisions: TypeAlias = Mapping[str, Decision]
