"""A policy after validation: the plain data that ``decide`` takes. It knows neither YAML nor pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Goal: TypeAlias = Literal["accuracy", "energy"]
LostMode: TypeAlias = Literal["cheapest", "model", "ignore"]
Verb: TypeAlias = Literal["at_most", "at_least", "exactly", "exclude"]
Anchor: TypeAlias = Literal["name", "top", "middle", "bottom", "accuracy"]


@dataclass(frozen=True, slots=True)
class Objective:
    """What is wanted once every constraint holds.

    ``goal`` accuracy: the highest accuracy within the deadline, less ``accuracy_per_watt`` for each watt it
    costs. ``goal`` energy: the least energy per inference among the variants at or above ``accuracy_floor``
    and at most ``accuracy_loss_max`` below the best of the ladder. Accuracies are 0..1.
    """

    goal: Goal = "accuracy"
    accuracy_per_watt: float = 0.0
    accuracy_floor: float | None = None
    accuracy_loss_max: float | None = None


@dataclass(frozen=True, slots=True)
class LatencyLimit:
    """A reply within ``max_ms`` of its arrival, with at least the probability ``chance`` (0..1)."""

    max_ms: float
    chance: float = 0.99


@dataclass(frozen=True, slots=True)
class TempLimit:
    """``sense`` stays below ``max_c``. ``margin_c`` None: 1 C and the 95th percentile of recent forecast error."""

    max_c: float
    margin_c: float | None = None
    horizon_s: float = 20.0
    sense: str = "temp_c"


@dataclass(frozen=True, slots=True)
class PowerLimit:
    """``sense`` stays at or below ``max_mw``."""

    max_mw: float
    sense: str = "power_mw"


@dataclass(frozen=True, slots=True)
class BatteryLimit:
    """At least ``reserve_percent`` is left, now and ``mission_s`` after the battery became the source.

    ``mission_s`` None: no pace, only the reserve. ``capacity_mwh`` helps where the gauge tells percent alone.
    """

    reserve_percent: float = 0.0
    mission_s: float | None = None
    capacity_mwh: float | None = None


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """Loading a variant leaves at least ``reserve_bytes`` available."""

    reserve_bytes: int


@dataclass(frozen=True, slots=True)
class Switching:
    """How readily a voluntary swap is made; safety moves are exempt.

    ``hysteresis`` is the share of a limit that a better variant must stay below it. ``cost_s``: a swap is
    worth as much as this many seconds of service.
    """

    dwell_s: float = 10.0
    hysteresis: float = 0.05
    max_per_hour: float = 60.0
    cost_s: float = 0.1


@dataclass(frozen=True, slots=True)
class Condition:
    """True while ``sense`` is below / above a threshold; once true it stays so until it passes ``until``.

    ``missing`` True: true while the sense has no value (and nothing else is asked).
    """

    sense: str
    below: float | None = None
    above: float | None = None
    until: float | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class VariantRef:
    """A variant by name, by place, or the cheapest one with at least ``accuracy``.

    ``offset`` counts steps towards the bottom (negative: towards the top).
    """

    anchor: Anchor
    name: str = ""
    offset: int = 0
    accuracy: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """An override: while every condition holds, ``verb`` applies to ``refs``. ``ladders`` empty: to all."""

    when: tuple[Condition, ...]
    verb: Verb
    refs: tuple[VariantRef, ...]
    reason: str = ""
    ladders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientTerms:
    """What clients may ask for.

    An accuracy up to ``max_accuracy`` (0: none), which holds for ``active_s`` after the last request that asked.
    """

    max_accuracy: float = 1.0
    active_s: float = 10.0


@dataclass(frozen=True, slots=True)
class ShadowTerms:
    """Run a second variant on a ``share`` (0..1) of the frames, at most ``max_per_s``, to see how they agree.

    Only while every constraint has at least ``headroom`` (0..1) left.
    """

    share: float = 0.01
    max_per_s: float = 1.0
    headroom: float = 0.1


@dataclass(frozen=True, slots=True)
class LadderTerms:
    """What one ladder is worth beside the others (``weight``), and its own floor and deadline."""

    weight: float = 1.0
    accuracy_floor: float | None = None
    latency: LatencyLimit | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """What is known about the board's power and heat; None: found out while running."""

    idle_mw: float | None = None
    heat_c_per_w: float | None = None
    tau_s: float | None = None


@dataclass(frozen=True, slots=True)
class Actuators:
    """What may be set beside the variant; all of it is off by default.

    ``frame_rate``: clients are advised how many frames a second fit. ``caps`` are the names of actuators, in the
    order in which they are used once the cheapest variants are not enough; each goes down to the share ``lowest`` of
    its full value, by ``step``, and comes up by one step per ``dwell_s``.
    """

    frame_rate: bool = False
    caps: tuple[str, ...] = ()
    lowest: float = 0.4
    step: float = 0.1
    dwell_s: float = 10.0


@dataclass(frozen=True, slots=True)
class LearnedTerms:
    """A network that proposes variants, within everything that the rest of the policy asks for.

    ``file`` is an ONNX file and ``sha256`` its fingerprint. ``ladders`` are those that it is asked about, empty: all.
    An answer that takes longer than ``budget_ms`` is not waited for.
    """

    file: str
    sha256: str = ""
    ladders: tuple[str, ...] = ()
    budget_ms: float = 50.0


@dataclass(frozen=True, slots=True)
class PolicyPlan:
    """The operator's policy. ``lost`` says what a sense that was there and is gone means (default ``model``)."""

    name: str
    summary: str = ""
    objective: Objective = Objective()
    latency: LatencyLimit | None = None
    temp: TempLimit | None = None
    power: PowerLimit | None = None
    battery: BatteryLimit | None = None
    memory: MemoryLimit | None = None
    switching: Switching = Switching()
    rules: tuple[Rule, ...] = ()
    lost: Mapping[str, LostMode] = field(default_factory=dict)
    stale_after_s: float = 5.0
    ladders: Mapping[str, LadderTerms] = field(default_factory=dict)
    board: Board = Board()
    clients: ClientTerms = ClientTerms()
    shadow: ShadowTerms | None = None
    actuators: Actuators = Actuators()
    learned: LearnedTerms | None = None
