"""Do swaps hurt? p99 latency within a second of a swap against p99 away from swaps, and the longest silence."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.bench.load import Sample, percentile, start_load
from edgerund.client.control import ControlClient
from edgerund.errors import UsageError

NEAR_S = 1.0


@dataclass(frozen=True, slots=True)
class SwapFigures:
    """Ratios of one run. ``gap_ms`` is the longest time between two replies to one client within a second of a swap.

    ``gap_excess_ms`` is what that gap exceeds the slower variant's own p50 round trip by; ``away_gap_ms`` is the
    longest gap away from swaps, which only the machine is to blame for.
    """

    swaps: int
    requests: int
    errors: int
    near_p50_ms: float
    near_p99_ms: float
    away_p50_ms: float
    away_p99_ms: float
    p99_ratio: float
    gap_ms: float
    slower_p50_ms: float
    gap_excess_ms: float
    away_gap_ms: float

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def measure_swaps(
    runtime_dir: Path, ladder: str, *, every_s: float, seconds: float, clients: int
) -> SwapFigures:
    """Pin one variant after the other under load.

    Every variant is compared with itself: latencies are divided by the median of their variant, so that a swap to
    a slower variant is not taken for a stall.

    Raises:
        UsageError: fewer than two variants that are not quarantined.
    """
    with ControlClient(runtime_dir) as control:
        status = next(x for x in control.call("status")["ladders"] if x["name"] == ladder)
        names = [v["name"] for v in status["variants"] if not v["quarantined"]]
        if len(names) < 2:
            raise UsageError(
                f"cannot measure swaps: ladder {ladder!r} has {len(names)} usable variants"
            )
        load = start_load(runtime_dir, ladder, _frames(), clients)
        swaps_s: list[float] = []
        try:
            until_s = time.monotonic() + seconds
            turn = 0
            while time.monotonic() < until_s:
                time.sleep(every_s)
                turn += 1
                control.call("pin", ladder=ladder, variant=names[turn % len(names)], reason="bench")
                swaps_s.append(time.monotonic())
        finally:
            samples = load.stop()
            control.call("unpin", ladder=ladder)
    return evaluate(samples, swaps_s)


def evaluate(samples: Sequence[Sample], swaps_s: Sequence[float]) -> SwapFigures:
    """The figures of one run."""
    good = [s for s in samples if not s.error]
    medians = {
        v: percentile([s.latency_ms for s in good if s.variant == v], 0.5)
        for v in {s.variant for s in good}
    }
    at = np.array([s.at_s for s in good])
    relative = np.array([s.latency_ms / medians[s.variant] for s in good])
    moments = np.array(sorted(swaps_s))
    place = np.searchsorted(moments, at)
    before = np.abs(at - moments[np.clip(place - 1, 0, len(moments) - 1)])
    after = np.abs(at - moments[np.clip(place, 0, len(moments) - 1)])
    near = np.minimum(before, after) <= NEAR_S
    absolute = np.array([s.latency_ms for s in good])
    # in a closed loop each client waits for its own reply: the longest latency is the longest silence it saw
    gap_ms = float(absolute[near].max(initial=0.0))
    slower = max(medians.values())
    return SwapFigures(
        swaps=len(swaps_s),
        requests=len(samples),
        errors=len(samples) - len(good),
        near_p50_ms=percentile(absolute[near], 0.5),
        near_p99_ms=percentile(absolute[near], 0.99),
        away_p50_ms=percentile(absolute[~near], 0.5),
        away_p99_ms=percentile(absolute[~near], 0.99),
        p99_ratio=percentile(relative[near], 0.99) / percentile(relative[~near], 0.99),
        gap_ms=gap_ms,
        slower_p50_ms=slower,
        gap_excess_ms=gap_ms - slower,
        away_gap_ms=float(absolute[~near].max(initial=0.0)),
    )


def _frames() -> list[Any]:
    rng = np.random.default_rng(7)
    return [rng.integers(0, 256, (96, 128, 3), dtype=np.uint8) for _ in range(8)]
