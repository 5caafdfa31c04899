"""Snapshots and decisions of any content, for round trips."""

from __future__ import annotations

from hypothesis import strategies as st

from edgerund.types import (
    Agreement,
    Card,
    Decision,
    Floor,
    Hold,
    LadderState,
    NoData,
    Reading,
    Reason,
    Rejection,
    Sense,
    ServingFigures,
    Shadow,
    Snapshot,
    VariantState,
)

floats = st.floats(allow_nan=False)
names = st.text(min_size=1, max_size=12)
maybe_float = st.none() | floats
readings = st.builds(
    Reading,
    name=st.just("?"),
    value=floats,
    unit=names,
    age_s=floats,
    source=names,
    quality=st.sampled_from(["measured", "derived", "estimated"]),
)
absences = st.builds(NoData, name=st.just("?"), reason=names, detail=names, source=names)
cards = st.builds(
    Card,
    accuracy=maybe_float,
    latency_ms=maybe_float,
    latency_p99_ms=maybe_float,
    energy_mj=maybe_float,
    memory_bytes=st.none() | st.integers(),
    load_ms=maybe_float,
    file_bytes=st.none() | st.integers(),
)
variants = st.builds(
    VariantState, name=names, card=cards, resident=st.booleans(), quarantined=st.none() | names
)
serving = st.builds(
    ServingFigures,
    variant=st.none() | names,
    window_s=floats,
    answered=st.integers(0, 10**9),
    infer_ms_p99=maybe_float,
    escalated=maybe_float,
    accuracy_asked=maybe_float,
    shadow=st.none() | names,
    shadowed=st.integers(0, 10**6),
    agreed=floats,
)
ladders = st.builds(
    LadderState,
    name=names,
    variants=st.lists(variants, max_size=3).map(tuple),
    live=st.none() | names,
    since_s=floats,
    hold=st.none() | st.builds(Hold, variant=names, reason=names, until_s=maybe_float),
    serving=serving,
)
reasons = st.builds(
    Reason, code=names, text=names, constraint=names, observed=maybe_float, limit=maybe_float
)
decisions = st.builds(
    Decision,
    ladder=names,
    variant=names,
    reason=reasons,
    at_s=floats,
    changed=st.booleans(),
    voluntary=st.booleans(),
    rejected=st.lists(st.builds(Rejection, variant=names, reason=reasons), max_size=3).map(tuple),
    headroom=st.dictionaries(names, floats, max_size=3),
    warm=st.lists(names, max_size=3).map(tuple),
    notes=st.lists(names, max_size=3).map(tuple),
    floor=st.none() | st.builds(Floor, asked=floats, granted=floats, met=st.booleans()),
    shadow=st.none() | st.builds(Shadow, variant=names, share=floats, max_per_s=floats),
    agreements=st.lists(
        st.builds(
            Agreement,
            variant=names,
            share=floats,
            low=floats,
            high=floats,
            frames=floats,
            expected=floats,
            accuracy=floats,
            drifted=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
)


def _named(senses: dict[str, Sense]) -> dict[str, Sense]:
    found: dict[str, Sense] = {}
    for name, s in senses.items():
        if isinstance(s, Reading):
            found[name] = Reading(name, s.value, s.unit, s.age_s, s.source, s.quality)
        else:
            found[name] = NoData(name, s.reason, s.detail, s.source)
    return found


snapshots = st.builds(
    Snapshot,
    now_s=floats,
    wall_s=floats,
    senses=st.dictionaries(names, readings | absences, max_size=6).map(_named),
    ladders=st.dictionaries(names, ladders, max_size=2),
)
several = st.dictionaries(names, decisions, max_size=2)
