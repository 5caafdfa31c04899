"""One sensor value with its age, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Quality: TypeAlias = Literal["measured", "derived", "estimated"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One value. ``name`` ends in its unit (``power_mw``, ``zone.tj-thermal.temp_c``).

    ``age_s`` counts from the moment the value was read from the hardware to the snapshot that carries it.
    ``source`` is the file (below SysRoot) or URI it came from.
    """

    name: str
    value: float
    unit: str
    age_s: float
    source: str
    quality: Quality = "measured"


@dataclass(frozen=True, slots=True)
class NoData:
    """The absence of a value, which is a value: never 0, -1 or -256.

    ``reason`` is a short code (``absent``, ``offline``, ``denied``, ``stale``, ``frozen``, ``range``,
    ``step``, ``hung``, ``garbage``, ``io``, ``waiting`` for a second sample); ``detail`` is one sentence for people.
    """

    name: str
    reason: str
    detail: str = ""
    source: str = ""


Sense: TypeAlias = Reading | NoData
