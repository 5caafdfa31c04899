"""The part of a policy file that lets the daemon set something beside the variant."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from edgerund import registry
from edgerund.config.source import Strict
from edgerund.types import policy as plain


def _actuator_name(value: str) -> str:
    known = registry.names("actuators")
    if value in known or re.fullmatch(r"[\w.]+:\w+", value):
        return value
    raise ValueError(
        f"unknown actuator {value!r}: known are {', '.join(known)}; or write module:attribute"
    )


class ActuatorsModel(Strict):
    """What may be set beside the variant: nothing unless it is named here."""

    frame_rate: bool = Field(
        default=False, description="true: replies tell clients how many frames a second fit"
    )
    caps: list[Annotated[str, AfterValidator(_actuator_name)]] = Field(
        default_factory=list,
        description="actuators that slow the machine down when the cheapest variant is not enough, first used first",
    )
    lowest: Annotated[float, Field(ge=0.1, lt=1)] = Field(
        default=0.4, description="share of its full value that none goes below"
    )
    step: Annotated[float, Field(ge=0.02, le=0.9)] = Field(
        default=0.1, description="share by which one moves at a time"
    )
    dwell_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        default=10.0, description="least time before each step back"
    )

    def plan(self) -> plain.Actuators:
        caps = tuple(dict.fromkeys(self.caps))
        return plain.Actuators(self.frame_rate, caps, self.lowest, self.step, self.dwell_s)
