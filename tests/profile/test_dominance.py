from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edgerund.profile.dominance import FASTER_SHARE, MEMORY_STEP_BYTES, mark_dominated
from edgerund.profile.figures import Energy, Figures, Latency

MIB = 1 << 20


def variant(
    name: str,
    accuracy: float | None,
    ms: float | None,
    memory: int | None = 4 * MIB,
    mj: float | None = None,
    agreement: float | None = None,
    failed: str | None = None,
) -> Figures:
    latencies = () if ms is None else (Latency(1, ms, ms, ms, ms, 9, 0, 9, 0.01),)
    return Figures(
        name=name,
        accuracy=accuracy,
        latencies=latencies,
        memory_bytes=memory,
        energy=Energy(mj=mj),
        agreement=agreement,
        failed=failed,
    )


def dominated(*figures: Figures) -> dict[str, str | None]:
    return {f.name: f.dominated_by for f in mark_dominated(figures)}


def test_int8_that_is_slower_and_less_accurate_is_left_out_if_it_saves_no_memory() -> None:
    told = dominated(variant("float", 0.50, 1.01), variant("int8", 0.48, 1.24))
    assert told == {"float": None, "int8": "float"}


def cascade(name: str, accuracy: float, ms: float, slow_ms: float) -> Figures:
    latency = Latency(1, ms, slow_ms, ms, ms, 9, 0, 9, 0.01)
    told = variant(name, accuracy, ms)
    return replace(told, backend="cascade", latencies=(latency,))


def test_a_cascade_beats_only_what_is_no_quicker_on_hard_frames() -> None:
    told = dominated(cascade("both", 0.95, 1.0, 4.0), variant("top", 0.94, 3.0))
    assert told == {"both": None, "top": None}
    told = dominated(cascade("both", 0.95, 1.0, 4.0), variant("top", 0.94, 5.0))
    assert told == {"both": None, "top": "both"}


def test_a_cascade_that_is_slower_in_the_mean_is_beaten() -> None:
    told = dominated(cascade("both", 0.94, 1.2, 2.0), variant("top", 0.95, 1.0))
    assert told == {"both": "top", "top": None}


def test_int8_that_is_slower_but_smaller_stays() -> None:
    told = dominated(variant("float", 0.50, 1.01, 9 * MIB), variant("int8", 0.48, 1.24, 4 * MIB))
    assert told == {"float": None, "int8": None}


def test_what_differs_within_noise_only_stays() -> None:
    told = dominated(variant("a", 0.9, 1.0), variant("b", 0.9, 1.0 + FASTER_SHARE / 2))
    assert told == {"a": None, "b": None}
    told = dominated(
        variant("a", 0.9, 1.0, 8 * MIB), variant("b", 0.9, 1.0, 8 * MIB + MEMORY_STEP_BYTES // 4)
    )
    assert told == {"a": None, "b": None}


def test_a_frugal_variant_stays_where_energy_was_measured() -> None:
    told = dominated(variant("a", 0.9, 1.0, mj=5.0), variant("b", 0.8, 2.0, mj=1.0))
    assert told == {"a": None, "b": None}


def test_failed_and_unmeasured_variants_take_no_part() -> None:
    told = dominated(
        variant("dead", 0.99, 0.1, failed="it crashed"),
        variant("unknown", 0.95, None),
        variant("fine", 0.9, 1.0),
        variant("blind", None, 2.0),
    )
    assert set(told.values()) == {None}


def test_cards_tell_the_accuracy_that_was_not_measured_now() -> None:
    figures = [variant("a", None, 1.0), variant("b", None, 2.0)]
    assert {f.name: f.dominated_by for f in mark_dominated(figures, {"a": 0.9, "b": 0.8})} == {
        "a": None,
        "b": "a",
    }
    assert {f.dominated_by for f in mark_dominated(figures)} == {None}


def test_agreement_stands_in_where_nobody_knows_the_truth() -> None:
    told = dominated(variant("a", None, 1.0), variant("b", None, 2.0, agreement=0.9))
    assert told == {"a": None, "b": "a"}


LADDERS = st.lists(
    st.builds(
        lambda accuracy, ms, memory, mj: (accuracy, ms, memory, mj),
        st.sampled_from((0.5, 0.6, 0.7, 0.8)),
        st.sampled_from((0.5, 1.0, 1.01, 1.5, 2.0)),
        st.sampled_from((1, 4 * MIB, 4 * MIB + 9000, 20 * MIB)),
        st.none() | st.sampled_from((1.0, 2.0)),
    ),
    min_size=1,
    max_size=9,
)


@given(LADDERS, st.booleans())
def test_nothing_good_is_removed_and_nothing_useless_stays(
    rows: list[tuple[float, float, int, float | None]], with_energy: bool
) -> None:
    figures = [
        variant(f"v{i}", a, ms, memory, (mj or 3.0) if with_energy else None)
        for i, (a, ms, memory, mj) in enumerate(rows)
    ]
    marked = mark_dominated(figures)
    kept = [f for f in marked if f.dominated_by is None]
    assert kept
    for f in marked:
        beaters = [g for g in figures if beats(g, f)]
        if f.dominated_by is None:
            assert not beaters
        else:
            assert f.dominated_by in {g.name for g in kept}
            assert f.dominated_by in {g.name for g in beaters}


def beats(one: Figures, other: Figures) -> bool:
    """What dominance means, written down once more in full."""
    ms, other_ms = one.latencies[0].p50_ms, other.latencies[0].p50_ms
    memory, other_memory = ((f.memory_bytes or 0) // MEMORY_STEP_BYTES for f in (one, other))
    mj, other_mj = one.energy.mj or 0.0, other.energy.mj or 0.0
    accuracy, other_accuracy = one.accuracy or 0.0, other.accuracy or 0.0
    as_good = (
        accuracy >= other_accuracy and ms <= other_ms and memory <= other_memory and mj <= other_mj
    )
    better = (
        accuracy > other_accuracy
        or ms < (1 - FASTER_SHARE) * other_ms
        or memory < other_memory
        or mj < (1 - FASTER_SHARE) * other_mj
    )
    return as_good and better


def test_an_accuracy_that_may_be_chance_beats_nobody() -> None:
    figures = [variant("a", 0.926, 1.0), variant("b", 0.925, 1.0)]
    for chances, beaten in (({("a", "b"): 0.4}, None), ({("a", "b"): 0.01}, "a"), ({}, "a")):
        assert [f.dominated_by for f in mark_dominated(figures, chances=chances)] == [None, beaten]
    slower = [figures[0], variant("b", 0.925, 2.0)]
    told = mark_dominated(slower, chances={("a", "b"): 0.4})
    assert [f.dominated_by for f in told] == [None, "a"]
