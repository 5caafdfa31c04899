"""Clients as processes of their own that send as fast as they are answered, and remember every answer."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgerund.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Sample:
    """One request as its client saw it: ``at_s`` is when the reply came (monotonic), ``error`` "" if it was good."""

    at_s: float
    latency_ms: float
    variant: str
    error: str = ""


@dataclass(slots=True)
class Load:
    """Some clients under way; ``stop`` collects what they saw."""

    processes: list[BaseProcess] = field(default_factory=list)
    pipes: list[Connection] = field(default_factory=list)

    def stop(self) -> list[Sample]:
        """End the clients; all samples in order of time."""
        for pipe in self.pipes:
            pipe.send("stop")
        samples: list[Sample] = []
        for pipe in self.pipes:
            samples += [Sample(*row) for row in pipe.recv()]
        for process in self.processes:
            process.join(timeout=10)
        return sorted(samples, key=lambda s: s.at_s)


def start_load(
    runtime_dir: Path, ladder: str, frames: Sequence[NDArray[Any]], clients: int
) -> Load:
    """Start ``clients`` processes; returns once each has had its first answer."""
    context = multiprocessing.get_context("spawn")
    load = Load()
    for number in range(clients):
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_client,
            args=(str(runtime_dir), ladder, list(frames), number, theirs),
            daemon=True,
        )
        process.start()
        theirs.close()
        load.processes.append(process)
        load.pipes.append(ours)
    for pipe in load.pipes:
        pipe.recv()
    return load


def _client(
    runtime_dir: str, ladder: str, frames: Sequence[NDArray[Any]], number: int, pipe: Connection
) -> None:
    from edgerund.client import Client

    rows: list[tuple[float, float, str, str]] = []
    with Client(ladder, runtime_dir=runtime_dir, timeout_s=10.0) as client:
        client.infer(frames[0])
        pipe.send("ready")
        turn = number
        while not pipe.poll(0):
            turn += 1
            start_s = time.monotonic()
            try:
                answer = client.infer(frames[turn % len(frames)])
                variant, error = answer.variant, ""
            except RequestError as e:
                variant, error = "", type(e).__name__
            end_s = time.monotonic()
            rows.append((end_s, (end_s - start_s) * 1e3, variant, error))
    pipe.send(rows)


def percentile(values: Sequence[float] | NDArray[np.float64], share: float) -> float:
    """Linear-interpolated percentile; ``share`` 0..1, NaN for no values."""
    import numpy as np

    return float(np.quantile(values, share)) if len(values) else float("nan")
