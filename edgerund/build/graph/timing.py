"""Latency of one file against another, side by side: the only figure that survives a shared machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.build.graph.sessions import batch_size, feeds, open_session
from edgerund.build.technique import Images

ROUNDS = 30
BURST = 5
MOST_S = 5.0


def latency_ratio(path: Path, base: Path, images: Images) -> float:
    """Time of one inference of ``path`` over that of ``base``, one thread, in turns; below 1 is faster."""
    ours, theirs = bursts_ms([path, base], images)
    return float(np.median(np.array(ours) / np.array(theirs)))


def bursts_ms(
    paths: Sequence[Path], images: Images, rounds: int = ROUNDS, most_s: float = MOST_S
) -> list[list[float]]:
    """Milliseconds of single-image inferences: for each file, the shortest run of each of its bursts.

    The files take turns, so that element i of every list was measured in the same moment.
    """
    runs = [_Run(path, images) for path in paths]
    began = time.perf_counter()
    times: list[list[float]] = [[] for _ in runs]
    for done in range(rounds):
        for run, mine in zip(runs, times, strict=True):
            mine.append(run.burst_ms())
        if done >= 4 and time.perf_counter() - began > most_s:
            break
    return times


class _Run:
    def __init__(self, path: Path, images: Images) -> None:
        self._session: Any = open_session(path, path.name)
        fixed = any(v.shape and isinstance(v.shape[0], int) for v in self._session.get_inputs())
        batch = batch_size(self._session, images) if fixed else 1
        self._feed = next(feeds(self._session, images, batch))[1]

    def burst_ms(self) -> float:
        self._session.run(None, self._feed)  # the caches still hold the other network
        times = []
        for _ in range(BURST):
            began = time.perf_counter()
            self._session.run(None, self._feed)
            times.append((time.perf_counter() - began) * 1e3)
        return min(times)
