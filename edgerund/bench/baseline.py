"""What the daemon adds: the same engine called in this process and over the socket, turn by turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerund.bench.load import percentile
from edgerund.client import Client
from edgerund.ports import LoadOptions
from edgerund.registry import resolve
from edgerund.types import LadderPlan


@dataclass(frozen=True, slots=True)
class BaselineFigures:
    """Milliseconds of one run; ``added_*`` is round trip minus in-process."""

    rounds: int
    request_bytes: int
    in_process_p50_ms: float
    in_process_p99_ms: float
    round_trip_p50_ms: float
    round_trip_p99_ms: float
    added_p50_ms: float
    added_p99_ms: float

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def measure_baseline(
    runtime_dir: Path, plan: LadderPlan, variant: str, *, rounds: int, threads: int = 1
) -> BaselineFigures:
    """Interleave ``rounds`` of in-process inference with requests to the daemon that serves the same variant.

    Task ``tensor`` is meant: the frame is the engine's own input, so that both do the same work.
    """
    v = plan.variant(variant)
    engine = resolve("engines", v.backend)().load(
        Path(v.file), LoadOptions(threads=threads, extra=v.options), lambda _share, _text: None
    )
    rng = np.random.default_rng(7)
    inputs = [
        rng.standard_normal([n or 1 for n in t.shape]).astype(t.dtype) for t in engine.spec.inputs
    ]
    alone_ms: list[float] = []
    through_ms: list[float] = []
    try:
        with Client(plan.name, runtime_dir=runtime_dir) as client:
            for i in range(rounds + 20):
                a = _timed_ms(lambda: engine.infer(inputs))
                b = _timed_ms(lambda: client.infer(inputs if len(inputs) > 1 else inputs[0]))
                if i >= 20:  # both warm
                    alone_ms.append(a)
                    through_ms.append(b)
    finally:
        engine.close()
    alone, through = np.array(alone_ms), np.array(through_ms)
    return _figures(alone, through, sum(x.nbytes for x in inputs))


def _figures(
    alone: NDArray[np.float64], through: NDArray[np.float64], request_bytes: int
) -> BaselineFigures:
    added = through - alone
    return BaselineFigures(
        rounds=len(alone),
        request_bytes=request_bytes,
        in_process_p50_ms=percentile(alone, 0.5),
        in_process_p99_ms=percentile(alone, 0.99),
        round_trip_p50_ms=percentile(through, 0.5),
        round_trip_p99_ms=percentile(through, 0.99),
        added_p50_ms=percentile(through, 0.5) - percentile(alone, 0.5),
        added_p99_ms=percentile(added, 0.99),
    )


def _timed_ms(call: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    call()
    return (time.perf_counter() - start_s) * 1e3
