"""What must hold for every history and every snapshot."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edgerund.policy import State, decide, dump_state, initial, load_state
from edgerund.types import (
    Card,
    Decision,
    Hold,
    LadderState,
    NoData,
    Reading,
    Sense,
    ServingFigures,
    Snapshot,
    VariantState,
)
from edgerund.types.policy import (
    BatteryLimit,
    Condition,
    LatencyLimit,
    MemoryLimit,
    Objective,
    PolicyPlan,
    PowerLimit,
    Rule,
    Switching,
    TempLimit,
    VariantRef,
)

SENSES = (
    "temp_c",
    "power_mw",
    "battery_percent",
    "battery_energy_mwh",
    "battery_left_s",
    "on_mains",
    "memory_available_bytes",
)
LIMITS = PolicyPlan(
    "all",
    latency=LatencyLimit(60.0),
    temp=TempLimit(75.0),
    power=PowerLimit(9000.0),
    battery=BatteryLimit(reserve_percent=15.0, mission_s=1800.0),
    memory=MemoryLimit(50_000_000),
)
any_float = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[VariantState, ...]:
    """A sensible ladder: each step down is less accurate, faster and thriftier."""
    count = draw(st.integers(2, 6))
    accuracy, ms, mj = 0.95, draw(st.floats(10.0, 60.0)), draw(st.floats(50.0, 400.0))
    made = []
    for i in range(count):
        made.append(
            VariantState(
                f"v{i}", Card(accuracy=accuracy, latency_ms=ms, energy_mj=mj), resident=True
            )
        )
        accuracy -= draw(st.floats(0.005, 0.1))
        ms *= draw(st.floats(0.3, 0.9))
        mj *= draw(st.floats(0.3, 0.9))
    return tuple(made)


def readings(temp_c: float, percent: float, age_s: float, power_mw: float) -> dict[str, Sense]:
    values = {
        "temp_c": temp_c,
        "power_mw": power_mw,
        "battery_percent": percent,
        "battery_energy_mwh": 50.0 * percent,
    }
    return {name: Reading(name, v, "", age_s, "test") for name, v in values.items()}


def serving(variant: str, ms: float, rate_hz: float) -> ServingFigures:
    return ServingFigures(
        variant=variant,
        window_s=1.0,
        answered=int(rate_hz),
        infer_ms_p50=ms,
        infer_ms_mean=ms,
        latency_ms_p50=ms * 1.1,
        latency_ms_p99=ms * 1.4,
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[State, Snapshot]:
    """A state after a random plausible history, and the next snapshot."""
    variants = draw(ladders())
    state, live, since_s = (
        initial(LIMITS),
        variants[draw(st.integers(0, len(variants) - 1))].name,
        0.0,
    )
    temp_c, percent = draw(st.floats(30.0, 78.0)), draw(st.floats(10.0, 100.0))
    drift, rate_hz = draw(st.floats(-0.4, 0.4)), draw(st.floats(1.0, 30.0))
    snap = Snapshot(0.0)
    for t in range(draw(st.integers(2, 30))):
        card = next(v.card for v in variants if v.name == live)
        noise = draw(st.floats(-0.3, 0.3)) if t % 5 == 0 else 0.0
        ms = (card.latency_ms or 1.0) * (1.0 + abs(noise))
        rate = min(rate_hz, 1000.0 / ms)
        temp_c = min(90.0, max(20.0, temp_c + drift + noise))
        percent = max(1.0, percent - 0.02)
        one = LadderState("m", variants, live, since_s, None, serving(live, ms, rate))
        power_mw = 3000.0 + rate * (card.energy_mj or 0.0)
        snap = Snapshot(float(t), 0.0, readings(temp_c, percent, 0.1, power_mw), {"m": one})
        before = state
        state, found = decide(LIMITS, state, snap)
        if found["m"].variant != live:
            live, since_s = found["m"].variant, float(t)
    return before, snap


def place(state: State, snap: Snapshot) -> int:
    chosen = decide(LIMITS, state, snap)[1]["m"].variant
    return [v.name for v in snap.ladders["m"].variants].index(chosen)


def changed(snap: Snapshot, **values: float) -> Snapshot:
    senses = dict(snap.senses)
    for name, value in values.items():
        reading = senses[name]
        assert isinstance(reading, Reading)
        senses[name] = replace(reading, value=value)
    return replace(snap, senses=senses)


def value(snap: Snapshot, name: str) -> float:
    reading = snap.senses[name]
    assert isinstance(reading, Reading)
    return reading.value


@settings(max_examples=80, deadline=None)
@given(histories(), st.floats(0.0, 30.0))
def test_hotter_never_raises_the_variant(history: tuple[State, Snapshot], more_c: float) -> None:
    state, snap = history
    assert place(state, changed(snap, temp_c=value(snap, "temp_c") + more_c)) >= place(state, snap)


@settings(max_examples=80, deadline=None)
@given(histories(), st.floats(0.0, 1.0))
def test_emptier_never_raises_the_variant(history: tuple[State, Snapshot], share: float) -> None:
    state, snap = history
    percent, energy = value(snap, "battery_percent"), value(snap, "battery_energy_mwh")
    emptier = changed(snap, battery_percent=percent * share, battery_energy_mwh=energy * share)
    assert place(state, emptier) >= place(state, snap)


@settings(max_examples=80, deadline=None)
@given(histories(), st.floats(1.0, 5.0))
def test_slower_never_raises_the_variant(history: tuple[State, Snapshot], factor: float) -> None:
    state, snap = history
    one = snap.ladders["m"]
    figures = one.serving
    slower = replace(
        figures,
        infer_ms_p50=(figures.infer_ms_p50 or 0.0) * factor,
        infer_ms_mean=(figures.infer_ms_mean or 0.0) * factor,
        latency_ms_p50=(figures.latency_ms_p50 or 0.0) * factor,
        latency_ms_p99=(figures.latency_ms_p99 or 0.0) * factor,
    )
    worse = replace(snap, ladders={"m": replace(one, serving=slower)})
    assert place(state, worse) >= place(state, snap)


@settings(max_examples=80, deadline=None)
@given(histories(), st.floats(0.0, 60.0))
def test_older_never_raises_the_variant(history: tuple[State, Snapshot], age_s: float) -> None:
    state, snap = history
    senses: dict[str, Sense] = {
        n: replace(r, age_s=r.age_s + age_s)
        for n, r in snap.senses.items()
        if isinstance(r, Reading)
    }
    assert place(state, replace(snap, senses=senses)) >= place(state, snap)


@settings(max_examples=60, deadline=None)
@given(histories(), st.sampled_from(["temp_c", "power_mw", "battery_percent"]))
def test_a_sense_that_falls_silent_never_raises_the_variant(
    history: tuple[State, Snapshot], name: str
) -> None:
    state, snap = history
    silent = replace(snap, senses={**snap.senses, name: NoData(name, "offline")})
    assert place(state, silent) >= place(state, snap)


@st.composite
def any_sense(draw: st.DrawFn, name: str) -> Sense:
    if draw(st.booleans()):
        return NoData(name, draw(st.sampled_from(["absent", "offline", "frozen", "garbage"])))
    return Reading(name, draw(any_float), "", draw(any_float), "test")


@st.composite
def any_ladder(draw: st.DrawFn, name: str) -> LadderState:
    maybe = st.one_of(st.none(), st.floats(0.0, 1e6))
    variants = tuple(
        VariantState(
            f"v{i}",
            Card(
                draw(st.one_of(st.none(), st.floats(0.0, 1.0))),
                draw(maybe),
                draw(maybe),
                draw(maybe),
                draw(st.one_of(st.none(), st.integers(0, 10**10))),
                draw(maybe),
            ),
            draw(st.booleans()),
            draw(st.one_of(st.none(), st.just("bad"))),
        )
        for i in range(draw(st.integers(0, 4)))
    )
    names = st.sampled_from(["v0", "v1", "v2", "elsewhere"])
    hold = draw(
        st.one_of(
            st.none(), st.builds(Hold, names, st.just("why"), st.one_of(st.none(), any_float))
        )
    )
    figures = ServingFigures(
        variant=draw(st.one_of(st.none(), names)),
        window_s=draw(st.floats(0.0, 10.0)),
        answered=draw(st.integers(0, 10_000)),
        refused=draw(st.integers(0, 10_000)),
        latency_ms_p50=draw(st.one_of(st.none(), any_float)),
        latency_ms_p99=draw(st.one_of(st.none(), any_float)),
        infer_ms_mean=draw(st.one_of(st.none(), any_float)),
        infer_ms_p50=draw(st.one_of(st.none(), any_float)),
        deadline_ms=draw(st.one_of(st.none(), any_float)),
    )
    live = draw(st.one_of(st.none(), names))
    return LadderState(name, variants, live, draw(st.floats(-1e6, 1e6)), hold, figures)


@st.composite
def any_snapshot(draw: st.DrawFn) -> Snapshot:
    senses = {n: draw(any_sense(n)) for n in SENSES if draw(st.booleans())}
    names = draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=3))
    return Snapshot(
        draw(st.floats(-1e9, 1e9)), 0.0, senses, {n: draw(any_ladder(n)) for n in names}
    )


@st.composite
def any_policy(draw: st.DrawFn) -> PolicyPlan:
    def maybe(item: Any) -> Any:
        return draw(st.one_of(st.none(), st.just(item)))

    condition = Condition("battery_percent", below=30.0, until=40.0)
    missing = Condition("temp_c", missing=True)
    rules = (
        Rule((condition,), "at_most", (VariantRef("middle", name="middle"),), "low"),
        Rule(
            (missing,),
            "exclude",
            (VariantRef("name", name="v1"), VariantRef("accuracy", accuracy=0.5)),
        ),
        Rule((condition, missing), "exactly", (VariantRef("bottom", name="bottom", offset=-1),)),
    )
    return PolicyPlan(
        "any",
        objective=draw(
            st.sampled_from(
                [
                    Objective(),
                    Objective("energy", accuracy_floor=0.5),
                    Objective(accuracy_per_watt=0.1),
                ]
            )
        ),
        latency=maybe(LatencyLimit(50.0)),
        temp=maybe(TempLimit(80.0, draw(st.sampled_from([None, 2.0])))),
        power=maybe(PowerLimit(8000.0)),
        battery=maybe(BatteryLimit(20.0, draw(st.sampled_from([None, 600.0])))),
        memory=maybe(MemoryLimit(1000)),
        rules=draw(st.sampled_from([(), rules])),
        lost=draw(
            st.sampled_from(
                [{}, {"temp_c": "cheapest"}, {"temp_c": "ignore", "power_mw": "cheapest"}]
            )
        ),
    )


def same(one: dict[str, Decision], other: dict[str, Decision]) -> bool:
    return repr(one) == repr(other)


@settings(max_examples=200, deadline=None)
@given(any_policy(), st.lists(any_snapshot(), min_size=1, max_size=6))
def test_total_deterministic_and_restartable_on_any_snapshots(
    policy: PolicyPlan, snapshots: list[Snapshot]
) -> None:
    state = initial(policy)
    for snap in snapshots:
        text = json.dumps(dump_state(state), allow_nan=False)
        again = load_state(json.loads(text))
        assert again == state
        state, found = decide(policy, state, snap)
        _, once_more = decide(policy, again, snap)
        assert same(dict(found), dict(once_more))
        assert set(found) == {n for n, one in snap.ladders.items() if one.variants}
        for name, decision in found.items():
            names = [v.name for v in snap.ladders[name].variants]
            assert decision.variant in names
            assert [r.variant for r in decision.rejected] == [
                n for n in names if n != decision.variant
            ]
            assert all(0.0 <= h <= 1.0 for h in decision.headroom.values()), decision.headroom
            assert all(
                r.reason.observed is None or math.isfinite(r.reason.observed)
                for r in decision.rejected
            )


@settings(max_examples=60, deadline=None)
@given(
    ladders(),
    st.floats(1.0, 40.0),
    st.lists(st.tuples(st.floats(40.0, 80.0), st.floats(1.0, 3.0)), min_size=20, max_size=80),
)
def test_no_two_voluntary_swaps_within_the_dwell(
    variants: tuple[VariantState, ...], dwell_s: float, weather: list[tuple[float, float]]
) -> None:
    policy = replace(LIMITS, switching=Switching(dwell_s=dwell_s, max_per_hour=3600.0))
    state, live, since_s = initial(policy), variants[-1].name, 0.0
    last_s = -math.inf
    for t, (temp_c, slow) in enumerate(weather):
        card = next(v.card for v in variants if v.name == live)
        ms = (card.latency_ms or 1.0) * slow
        one = LadderState("m", variants, live, since_s, None, serving(live, ms, 10.0))
        snap = Snapshot(float(t), 0.0, readings(temp_c, 90.0, 0.1, 5000.0), {"m": one})
        state, found = decide(policy, state, snap)
        decision = found["m"]
        if decision.changed:
            if decision.voluntary:
                assert t - last_s >= dwell_s
                assert t - since_s >= dwell_s
            last_s = t
            live, since_s = decision.variant, float(t)
