"""Whether the board throttles itself now: any of the signs that the readers found."""

from __future__ import annotations

from collections.abc import Mapping

from edgerund.types import NoData, Reading, Sense


def throttled(raw: Mapping[str, Sense]) -> Sense:
    """``throttled``: 1 if any ``throttle.<sign>.active`` is set, 0 if one can be read and none is set.

    The source lists the signs that are set.
    """
    signs = [s for n, s in raw.items() if n.startswith("throttle.") and n.endswith(".active")]
    valid = [s for s in signs if isinstance(s, Reading)]
    if not valid:
        lost = next((s for s in signs if isinstance(s, NoData)), None)
        if lost is None:
            return NoData("throttled", "absent", "nothing on this machine tells of throttling")
        return NoData("throttled", lost.reason, f"{lost.name}: {lost.detail}", lost.source)
    active = [s for s in valid if s.value > 0]
    told = active or valid
    source = ", ".join(s.name.removeprefix("throttle.").removesuffix(".active") for s in active)
    return Reading(
        "throttled",
        1.0 if active else 0.0,
        "bool",
        max(s.age_s for s in told),
        source or f"{len(valid)} signs",
        "derived",
    )
