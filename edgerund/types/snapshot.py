"""Everything that a decision may look at, at one tick.

Names of the senses that policies speak of (each is a ``Reading`` or a ``NoData``)::

    temp_c                 hottest valid zone                      C
    power_mw               total power drawn by the board          mW
    battery_percent        charge left                             %
    battery_left_s         time left at the present draw           s
    battery_energy_mwh     energy left                             mWh
    on_mains               1 while external power is present       bool
    throttled              1 while the board throttles itself      bool
    memory_available_bytes MemAvailable                            B
    memory_pressure        PSI some avg10                          %
    cpu_load               busy share of all cores                 0..1
    gpu_load               busy share of the busiest GPU           0..1
    battery_charge_state   1 ok 2 low 3 critical 4 emergency 5 failed 6 unhealthy 7 charging (MAVLink's codes)
    energy_mj              energy drawn since the daemon's start   mJ
    battery_left_sd_s      standard deviation of battery_left_s    s

Raw readings travel beside them under longer names (``zone.<type>.temp_c``, ``rail.<label>.power_mw`` ...).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgerund.types.readings import Sense


@dataclass(frozen=True, slots=True)
class Card:
    """The measured figures of one variant on this kind of device. None: not measured.

    ``accuracy`` is 0..1 by the ladder's own metric; ``latency_ms`` is the median of one inference alone,
    warm; ``energy_mj`` is above idle, per inference; ``memory_bytes`` is the resident growth when loaded.
    ``agreement`` (0..1) is how often it answers like the ladder's best, counted where accuracy was.
    ``varies``: its time depends on the frame (a cascade): ``latency_ms`` is the mean over frames then, and
    ``latency_p99_ms`` a hard frame.
    """

    accuracy: float | None = None
    latency_ms: float | None = None
    latency_p99_ms: float | None = None
    energy_mj: float | None = None
    memory_bytes: int | None = None
    load_ms: float | None = None
    file_bytes: int | None = None
    agreement: float | None = None
    varies: bool = False


@dataclass(frozen=True, slots=True)
class VariantState:
    """One variant as the controller sees it. ``quarantined`` is the reason, or None."""

    name: str
    card: Card = Card()
    resident: bool = False
    quarantined: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """The operator's pin. ``until_s`` is monotonic seconds, or None for no expiry."""

    variant: str
    reason: str
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class ServingFigures:
    """What the worker saw since the previous snapshot (``window_s`` long).

    ``latency_ms_*`` is from arrival at the worker to the reply; ``infer_ms_*`` is the engine alone. They are
    None when nothing was answered. All belong to ``variant`` (samples of an earlier one are dropped).
    ``deadline_ms`` is the tightest deadline that a client asked for, None if none did. ``escalated`` is the share
    (0..1) of the frames that a cascade handed on to a better member; None where no cascade answered.
    ``accuracy_asked`` is the highest accuracy (0..1) that a client asked for, None if none did. On
    ``shadowed`` frames the answers of variant ``shadow`` were held against those of the ladder's best; ``agreed`` is
    the sum of what they had in common (0..1 each).
    """

    variant: str | None = None
    window_s: float = 0.0
    answered: int = 0
    failed: int = 0
    refused: int = 0
    queue_depth: int = 0
    latency_ms_mean: float | None = None
    latency_ms_p50: float | None = None
    latency_ms_p95: float | None = None
    latency_ms_p99: float | None = None
    infer_ms_mean: float | None = None
    infer_ms_p50: float | None = None
    infer_ms_p99: float | None = None
    deadline_ms: float | None = None
    escalated: float | None = None
    accuracy_asked: float | None = None
    shadow: str | None = None
    shadowed: int = 0
    agreed: float = 0.0

    @property
    def rate_hz(self) -> float:
        """Answers per second in the window."""
        return self.answered / self.window_s if self.window_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class LadderState:
    """One ladder at one tick. ``variants`` run from the best (most accurate) to the cheapest."""

    name: str
    variants: tuple[VariantState, ...]
    live: str | None = None
    since_s: float = 0.0
    hold: Hold | None = None
    serving: ServingFigures = ServingFigures()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All readings and serving figures at one tick. ``now_s`` is monotonic, ``wall_s`` the Unix epoch."""

    now_s: float
    wall_s: float = 0.0
    senses: Mapping[str, Sense] = field(default_factory=dict)
    ladders: Mapping[str, LadderState] = field(default_factory=dict)
