"""A cascade's times have two peaks: the controller goes by their mean, which is what its card says."""

from __future__ import annotations

from edgerund.policy import slowdown
from edgerund.types import Card, ServingFigures

CARD = Card(accuracy=0.93, latency_ms=8.0, latency_p99_ms=24.0)
CHEAP_MS, BOTH_MS, SHARE = 4.0, 24.0, 0.2
MEAN_MS = CHEAP_MS * (1 - SHARE) + BOTH_MS * SHARE


def window(escalated: float | None) -> ServingFigures:
    return ServingFigures(
        variant="both",
        window_s=1.0,
        answered=20,
        infer_ms_p50=CHEAP_MS,
        infer_ms_mean=MEAN_MS,
        latency_ms_p50=CHEAP_MS,
        latency_ms_mean=MEAN_MS,
        latency_ms_p99=BOTH_MS,
        escalated=escalated,
    )


def learned(escalated: float | None) -> slowdown.LatencyMemory:
    memory = slowdown.LatencyMemory()
    for _ in range(20):
        memory = slowdown.observe(memory, window(escalated), {"both": CARD})
    return memory


def test_a_cascade_as_fast_as_its_card_says_is_not_taken_for_a_faster_board() -> None:
    assert abs(learned(SHARE).mean - MEAN_MS / 8.0) < 0.01
    assert learned(None).mean < 0.6  # what the median alone would tell


def test_frames_that_escalate_more_often_make_it_slower() -> None:
    memory = learned(SHARE)
    expected = slowdown.forecast(memory, "both", CARD)
    assert expected is not None
    assert abs(expected.mean_ms - MEAN_MS) < 0.1
    assert expected.mean_ms + 2 * expected.deviation_ms > 0.8 * BOTH_MS  # the slow ones count
