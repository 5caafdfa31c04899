"""The parts of a policy file that state an objective and its limits."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from edgerund.config.source import Strict
from edgerund.types import policy as plain

KNOWN_SENSES = (
    "temp_c",
    "power_mw",
    "battery_percent",
    "battery_left_s",
    "battery_energy_mwh",
    "on_mains",
    "throttled",
    "memory_available_bytes",
    "memory_pressure",
    "cpu_load",
)


def _sense_name(value: str) -> str:
    # raw readings (zone.<type>.temp_c) have a dot and cannot be listed; a plain word can only be one of ours
    if value in KNOWN_SENSES or re.fullmatch(r"[^\s.]+(\.[^\s.]+)+", value):
        return value
    raise ValueError(
        f"unknown sense {value!r}: known are {', '.join(KNOWN_SENSES)}, or a raw name such as zone.<type>.temp_c"
    )


Sense: TypeAlias = Annotated[str, AfterValidator(_sense_name)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Positive: TypeAlias = Annotated[float, Field(gt=0)]


class ObjectiveModel(Strict):
    """What is wanted once every constraint holds."""

    maximise: Literal["accuracy"] | None = Field(
        default=None, description="highest accuracy within the deadline"
    )
    minimise: Literal["energy"] | None = Field(
        default=None, description="least energy at an accuracy floor"
    )
    accuracy_per_watt: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="with maximise: accuracy (0..1) that one watt less is worth"
    )
    accuracy_floor: Share | None = Field(
        default=None, description="never below this accuracy (0..1) if anything fits"
    )
    accuracy_loss_max: Share | None = Field(
        default=None,
        description="never more than this (0..1) below the ladder's best if anything fits",
    )

    @model_validator(mode="after")
    def _one_goal(self) -> ObjectiveModel:
        if (self.maximise is None) == (self.minimise is None):
            raise ValueError("give either 'maximise: accuracy' or 'minimise: energy'")
        if self.minimise and self.accuracy_floor is None and self.accuracy_loss_max is None:
            raise ValueError("'minimise: energy' needs accuracy_floor or accuracy_loss_max")
        if self.minimise and self.accuracy_per_watt:
            raise ValueError("accuracy_per_watt belongs to 'maximise: accuracy'")
        return self

    def plan(self) -> plain.Objective:
        return plain.Objective(
            "accuracy" if self.maximise else "energy",
            self.accuracy_per_watt,
            self.accuracy_floor,
            self.accuracy_loss_max,
        )


class LatencyModel(Strict):
    """A deadline from arrival to reply."""

    max: Positive = Field(description="ms from arrival to reply")
    chance: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        default=0.99, description="share of replies within it"
    )

    def plan(self) -> plain.LatencyLimit:
        return plain.LatencyLimit(self.max, self.chance)


class TempModel(Strict):
    """A temperature that is not to be passed."""

    max: Annotated[float, Field(ge=20, le=150)] = Field(description="C")
    margin: Literal["auto"] | Annotated[float, Field(ge=0, le=30)] = Field(
        default="auto",
        description="C kept below max; auto: 1 C and the 95th percentile of recent forecast error",
    )
    horizon_s: Annotated[float, Field(ge=1, le=120)] = Field(
        default=20.0, description="how far the forecast looks"
    )
    sense: Sense = Field(
        default="temp_c", description="which reading; temp_c is the hottest valid zone"
    )

    def plan(self) -> plain.TempLimit:
        margin = None if self.margin == "auto" else self.margin
        return plain.TempLimit(self.max, margin, self.horizon_s, self.sense)


class PowerModel(Strict):
    """A power draw that is not to be passed."""

    max: Positive = Field(description="mW")
    sense: Sense = Field(
        default="power_mw", description="which reading; power_mw is the whole board"
    )

    def plan(self) -> plain.PowerLimit:
        return plain.PowerLimit(self.max, self.sense)


class BatteryModel(Strict):
    """Charge that must be left."""

    reserve_percent: Annotated[float, Field(ge=0, lt=100)] = Field(
        default=0.0, description="% that must be left"
    )
    mission_s: Positive | None = Field(
        default=None, description="how long the charge must last, from leaving mains"
    )
    capacity_mwh: Positive | None = Field(
        default=None, description="full charge, where the gauge tells only percent"
    )

    def plan(self) -> plain.BatteryLimit:
        return plain.BatteryLimit(self.reserve_percent, self.mission_s, self.capacity_mwh)


class MemoryModel(Strict):
    """Memory that must stay available."""

    reserve: Annotated[int, Field(ge=0)] = Field(
        description="bytes that stay available after a load"
    )

    def plan(self) -> plain.MemoryLimit:
        return plain.MemoryLimit(self.reserve)


class ConstraintsModel(Strict):
    """Limits that come before the objective."""

    latency_ms: LatencyModel | None = None
    temp_c: TempModel | None = None
    power_mw: PowerModel | None = None
    battery: BatteryModel | None = None
    memory_bytes: MemoryModel | None = None


class SwitchingModel(Strict):
    """How readily a voluntary swap is made."""

    dwell_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=10.0, description="least time between a swap and a voluntary one"
    )
    hysteresis: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.05, description="share of a limit that a better variant must stay below it"
    )
    max_per_hour: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=60.0, description="bound on swaps; safety is exempt"
    )
    cost_s: Annotated[float, Field(ge=0, le=60)] = Field(
        default=0.1, description="seconds of service that a swap is worth"
    )

    def plan(self) -> plain.Switching:
        return plain.Switching(self.dwell_s, self.hysteresis, self.max_per_hour, self.cost_s)


class LadderTermsModel(Strict):
    """What one ladder is worth beside the others."""

    weight: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=1.0, description="importance beside other ladders"
    )
    accuracy_floor: Share | None = Field(
        default=None, description="never below this accuracy if anything fits"
    )
    latency_ms: LatencyModel | None = Field(
        default=None, description="instead of the common deadline"
    )

    def plan(self) -> plain.LadderTerms:
        latency = self.latency_ms.plan() if self.latency_ms else None
        return plain.LadderTerms(self.weight, self.accuracy_floor, latency)


class ClientsModel(Strict):
    """What clients may ask for."""

    max_accuracy: Share = Field(
        default=1.0,
        description="highest accuracy that a client may ask for; 0 refuses all such wishes",
    )
    active_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=10.0, description="how long a wish holds after the last request that carried it"
    )

    def plan(self) -> plain.ClientTerms:
        return plain.ClientTerms(self.max_accuracy, self.active_s)


class BoardModel(Strict):
    """What is known about the board; what is left out is found out while running."""

    idle_mw: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="power without inference"
    )
    heat_c_per_w: Positive | None = Field(
        default=None, description="steady rise of temp_c per watt"
    )
    tau_s: Positive | None = Field(default=None, description="time constant of the slow rise")

    def plan(self) -> plain.Board:
        return plain.Board(self.idle_mw, self.heat_c_per_w, self.tau_s)
