"""The protocols that a plug-in implements. One file per plug-in, one table line in its room's ``__init__``."""

from __future__ import annotations

from edgerund.ports.machine import Actuator, Sensor, SysRoot
from edgerund.ports.serving import (
    Array,
    Backend,
    BoxDecoder,
    Counting,
    DecoderFactory,
    Detections,
    Engine,
    Frame,
    Geometry,
    Incoming,
    LoadOptions,
    Pipeline,
    PipelineFactory,
    Progress,
    ScoreDecoder,
    TaskAnswer,
)

__all__ = [
    "Actuator",
    "Array",
    "Backend",
    "BoxDecoder",
    "Counting",
    "DecoderFactory",
    "Detections",
    "Engine",
    "Frame",
    "Geometry",
    "Incoming",
    "LoadOptions",
    "Pipeline",
    "PipelineFactory",
    "Progress",
    "ScoreDecoder",
    "Sensor",
    "SysRoot",
    "TaskAnswer",
]
