"""A cascade's times have two peaks: the controller goes by their mean, which is what its card says."""

from __future__ import annotations

from edgerund.policy import slowdown
from edgerund.policy.chance import chance_within
from edgerund.types import Card, ServingFigures

CARD = Card(accuracy=0.93, latency_ms=8.0, latency_p99_ms=24.0, varies=True)
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


PLAIN = Card(accuracy=0.92, latency_ms=6.0, latency_p99_ms=6.6)


def plainly(memory: slowdown.LatencyMemory) -> slowdown.LatencyMemory:
    """Twenty windows of the plain variant, a narrow spread."""
    figures = ServingFigures(
        variant="plain",
        window_s=1.0,
        answered=20,
        infer_ms_p50=6.0,
        infer_ms_mean=6.0,
        latency_ms_p50=6.0,
        latency_ms_mean=6.0,
        latency_ms_p99=6.6,
    )
    for _ in range(20):
        memory = slowdown.observe(memory, figures, {"plain": PLAIN, "both": CARD})
    return memory


def chance(memory: slowdown.LatencyMemory, name: str, card: Card, deadline_ms: float) -> float:
    expected = slowdown.forecast(memory, name, card)
    assert expected is not None
    return chance_within(expected, deadline_ms)


def test_its_hard_frames_count_against_a_deadline_before_it_has_served() -> None:
    memory = plainly(slowdown.LatencyMemory())
    assert (
        chance(memory, "both", CARD, 16.0) < 0.95
    )  # twice its mean, two thirds of its hard frames
    assert chance(memory, "both", CARD, 30.0) > 0.99
    assert chance(memory, "plain", PLAIN, 16.0) > 0.99


def test_its_hard_frames_do_not_count_against_others_while_it_serves() -> None:
    memory = learned(SHARE)
    assert chance(memory, "plain", PLAIN, 16.0) > 0.99
    assert chance(memory, "both", CARD, 16.0) < 0.95
