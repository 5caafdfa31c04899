"""The hottest valid zone: what a temperature limit is held against."""

from __future__ import annotations

from collections.abc import Mapping

from edgerund.types import NoData, Reading, Sense

# in order: kernel zones first; chips without a zone of their own; jetson-stats as the last word
_FAMILIES = (
    ("zone.", "nvml."),
    ("hwmon.coretemp.", "hwmon.k10temp.", "hwmon.cpu_thermal."),
    ("jtop.zone.",),
)
# these have limits of their own, or are no temperature of the processor at all
_NOT_OURS = ("iwlwifi", "ath1", "INT3400", "battery", "charger", "skin")


def hottest(raw: Mapping[str, Sense]) -> Sense:
    """``temp_c``: the highest of the valid zones.

    ``estimated`` while a zone that should be there is lost: the lost one may be the hottest. A zone that is
    powered down (``offline``) does not count as lost.
    """
    cause: NoData | None = None
    for prefixes in _FAMILIES:
        zones = [s for n, s in raw.items() if n.startswith(prefixes) and _ours(n)]
        valid = [s for s in zones if isinstance(s, Reading)]
        lost = [s for s in zones if isinstance(s, NoData)]
        if valid:
            top = max(valid, key=lambda s: s.value)
            sure = all(s.reason == "offline" for s in lost)
            quality = top.quality if sure else "estimated"
            return Reading("temp_c", top.value, "C", top.age_s, top.source, quality)
        cause = cause or next(iter(lost), None)
    if cause is None:
        return NoData("temp_c", "absent", "no thermal zone on this machine")
    return NoData("temp_c", cause.reason, f"{cause.name}: {cause.detail}", cause.source)


def _ours(name: str) -> bool:
    return name.endswith(".temp_c") and not any(word in name for word in _NOT_OURS)
