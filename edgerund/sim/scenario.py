"""What a scenario file may say: the device, the weather, the load, what breaks, and what changes on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from edgerund.config.source import Strict, read_yaml, validate

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Point = tuple[NonNegative, float]
Profile = float | list[Point]
"""A constant, or points [t_s, value] joined by straight lines and flat outside."""


class Window(Strict):
    """A span of scenario time, [from_s, to_s)."""

    from_s: NonNegative
    to_s: Positive

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if self.to_s <= self.from_s:
            raise ValueError(f"to_s ({self.to_s:g}) must be later than from_s ({self.from_s:g})")
        return self

    def holds(self, t_s: float) -> bool:
        """Whether ``t_s`` lies inside."""
        return self.from_s <= t_s < self.to_s


class Device(Strict):
    """The board: defaults are those of a 15 W module on a finned sink with a fan.

    Heat: die (``die_j_per_k``) on sink over ``die_k_per_w``, sink (``sink_j_per_k``) on air over a conductance of
    ``still_w_per_k`` plus up to ``fan_w_per_k``, in proportion to how far the die is between ``fan_start_c`` and
    ``fan_full_c``. The firmware throttles at ``throttle_c``.
    """

    idle_w: Positive = 5.2
    die_j_per_k: Positive = 7.0
    die_k_per_w: Positive = 0.9
    sink_j_per_k: Positive = 70.0
    still_w_per_k: Positive = 0.23
    fan_w_per_k: NonNegative = 0.155
    fan_start_c: float = 45.0
    fan_full_c: float = 70.0
    fan_w: NonNegative = 0.8
    throttle_c: float = 92.0
    throttle_slowdown: Annotated[float, Field(ge=1)] = 1.8
    over_current_slowdown: Annotated[float, Field(ge=1)] = 1.8
    memory_bytes: Annotated[int, Field(gt=0)] = 4_200_000_000
    loading_w: NonNegative = 1.5
    card_spread: Annotated[float, Field(ge=0, lt=0.5)] = 0.04
    """How far one board's latency and energy may be from the card (drawn per seed, uniform)."""


class Battery(Strict):
    """A pack with internal resistance; the voltage falls in a straight line from full to empty."""

    capacity_wh: Positive
    start_percent: Annotated[float, Field(gt=0, le=100)] = 100.0
    full_v: Positive = 16.8
    empty_v: Positive = 13.2
    resistance_ohm: NonNegative = 0.06
    gauge_percent: Positive = 1.0
    """Resolution of the fuel gauge."""


class Bursts(Strict):
    """Extra requests at seeded moments: about every ``every_s``, for ``lasts_s``, the rate times ``factor``."""

    every_s: Positive
    lasts_s: Positive
    factor: Positive


class Load(Strict):
    """Frames that arrive. ``burstiness`` is the share that comes out of step with the camera's period."""

    rate_hz: Profile = 20.0
    burstiness: Annotated[float, Field(ge=0, le=1)] = 0.25
    bursts: Bursts | None = None


class Contention(Window):
    """Another program takes the same memory and cores: latency times ``factor``, plus ``extra_w``.

    ``spread`` draws for each variant how much of the slowdown it feels (memory-bound ones feel more).
    """

    factor: Annotated[float, Field(ge=1)]
    extra_w: NonNegative = 1.0
    spread: Annotated[float, Field(ge=0, lt=1)] = 0.15


SensorKind = Literal["frozen", "nan", "minus_274", "absent", "lag", "spikes"]


class SensorFault(Window):
    """One sensor that lies. The plant delivers what the sensors room would make of it.

    ``frozen`` keeps the value and is found out after ``detect_s``; ``nan`` and ``minus_274`` are refused at once
    (NoData ``garbage`` / ``range``); ``lag`` tells what was true ``lag_s`` ago; ``spikes`` is refused as ``step``.
    """

    sensor: str
    kind: SensorKind
    detect_s: NonNegative = 10.0
    lag_s: Positive = 10.0


class EngineFault(Window):
    """A variant whose load fails after its whole loading time, and is then quarantined."""

    variant: str
    quarantine_s: Positive = 120.0


class NetworkFault(Window):
    """Frames that never arrive; nobody can answer them, so they are not counted as offered."""

    loss: Annotated[float, Field(gt=0, le=1)]


class Drift(Window):
    """The scene is another one than the cards were measured on: all variants but the best are right less often.

    ``keeps`` is the share of its accuracy, and of its agreement with the best variant, that one keeps; ``variants``
    names those that it happens to, by default all but the best.
    """

    keeps: Annotated[float, Field(ge=0, le=1)]
    variants: list[str] = Field(default_factory=list)


class OverCurrent(Window):
    """The supply is weak: above ``limit_w`` the board slows its clocks and raises its alarm."""

    limit_w: Positive


class MemoryPressure(Window):
    """Other programs leave only this much."""

    available_bytes: Annotated[int, Field(gt=0)]


class Change(Strict):
    """From ``at_s`` on, clients ask for another deadline, or the operator reloads the policy with another limit."""

    at_s: NonNegative
    deadline_ms: Positive | None = None
    temp_limit_c: float | None = None


class Scenario(Strict):
    """One imagined run."""

    about: str = ""
    duration_s: Annotated[float, Field(ge=60, le=14 * 86_400)] = 3600.0
    device: Device = Device()
    ambient_c: Profile = 25.0
    ambient_spread_c: NonNegative = 1.0
    sun_w: Profile = 0.0
    other_w: Profile = 0.0
    """What else the board draws, seen by its rail and felt as heat."""
    vehicle_w: Profile = 0.0
    """What the motors draw from the same battery: neither on the board's rail nor in its heat."""
    fan_fails: list[Window] = Field(default_factory=list)
    battery: Battery | None = None
    load: Load = Load()
    contention: list[Contention] = Field(default_factory=list)
    sensor_faults: list[SensorFault] = Field(default_factory=list)
    engine_faults: list[EngineFault] = Field(default_factory=list)
    network_faults: list[NetworkFault] = Field(default_factory=list)
    drift: list[Drift] = Field(default_factory=list)
    over_current: list[OverCurrent] = Field(default_factory=list)
    memory_pressure: list[MemoryPressure] = Field(default_factory=list)
    changes: list[Change] = Field(default_factory=list)

    @model_validator(mode="after")
    def _profiles_in_order(self) -> Scenario:
        for name in ("ambient_c", "sun_w", "other_w", "vehicle_w"):
            _check_order(name, getattr(self, name))
        _check_order("load.rate_hz", self.load.rate_hz)
        return self


def _check_order(name: str, profile: Profile) -> None:
    if isinstance(profile, list):
        times = [t for t, _ in profile]
        if not times or times != sorted(times):
            raise ValueError(f"{name}: points must be [t_s, value] in order of time, at least one")


def load_scenario(path: Path) -> Scenario:
    """Read one scenario file.

    Raises:
        ConfigError: every mistake with its line.
    """
    return validate(Scenario, read_yaml(path))


def along(profile: Profile, times: Sequence[float]) -> list[float]:
    """The profile's value at each of ``times``."""
    return [at(profile, t) for t in times] if isinstance(profile, list) else [profile] * len(times)


def at(profile: Profile, t_s: float) -> float:
    """The profile's value at ``t_s`` (piecewise linear, flat outside its points)."""
    if not isinstance(profile, list):
        return profile
    before = profile[0]
    if t_s <= before[0]:
        return before[1]
    for point in profile:
        if t_s < point[0]:
            share = (t_s - before[0]) / (point[0] - before[0])
            return before[1] + share * (point[1] - before[1])
        before = point
    return before[1]
