from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.serve.stats import MAX_SAMPLES, Histogram, Stats, percentile
from edgerund.types import ServingFigures
from edgerund.types.worker import BUCKETS_MS

STAGES_MS = (1.0, 2.0, 3.0, 4.0, 10.0)
times = st.floats(0, 1e5, allow_nan=False)


@given(st.lists(times))
def test_every_value_lies_in_the_bucket_whose_bound_is_at_least_as_large(
    values: list[float],
) -> None:
    h = Histogram()
    for v in values:
        h.add(v)
    total = 0
    for i, bound in enumerate(BUCKETS_MS):
        total += h.counts[i]
        assert total == sum(v <= bound for v in values)
    assert sum(h.counts) == len(values)
    assert h.sum_ms == pytest.approx(sum(values))


@given(st.lists(times, min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_grows_with_the_share(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in ordered
    assert ordered[0] <= found <= percentile(ordered, 1.0) == ordered[-1]


def test_a_window_is_handed_over_once_and_what_is_for_ever_stays() -> None:
    stats = Stats(10.0)
    stats.answered("top", STAGES_MS)
    stats.refused("busy")
    stats.failed("engine")
    stats.dropped("client_gone")
    stats.asked(50.0)
    stats.asked(20.0)
    stats.asked(None)
    window = stats.take(12.0)
    figures = window.figures(12.0, "top", 3)
    told = ServingFigures(**figures)
    assert (told.answered, told.failed, told.refused, told.queue_depth) == (1, 1, 1, 3)
    assert (told.window_s, told.rate_hz, told.deadline_ms) == (2.0, 0.5, 20.0)
    assert (told.latency_ms_p99, told.infer_ms_p50) == (10.0, 3.0)
    empty = ServingFigures(**stats.take(13.0).figures(13.0, "", 0))
    assert (empty.variant, empty.answered, empty.latency_ms_p50, empty.deadline_ms) == (
        None,
        0,
        None,
        None,
    )
    assert stats.outcomes == {"ok": 1, "busy": 1, "engine": 1, "client_gone": 1}
    assert stats.answered_by == {"top": 1}


def test_a_swap_forgets_samples_but_no_counts() -> None:
    stats = Stats(0.0)
    stats.answered("top", STAGES_MS)
    stats.forget_samples()
    figures = stats.take(1.0).figures(1.0, "low", 0)
    assert figures["answered"] == 1
    assert "latency_ms_p50" not in figures


def test_memory_is_bounded_where_nobody_asks_for_figures() -> None:
    stats = Stats(0.0)
    for _ in range(2 * MAX_SAMPLES):
        stats.answered("top", STAGES_MS)
    assert len(stats.window.total_ms) == len(stats.window.infer_ms) == MAX_SAMPLES
    assert stats.window.answered == 2 * MAX_SAMPLES


def test_what_waited_for_a_worker_is_counted_but_is_no_sample() -> None:
    stats = Stats(0.0)
    stats.answered("top", STAGES_MS, sample=False)
    assert stats.window.answered == 1
    assert stats.window.total_ms == []
