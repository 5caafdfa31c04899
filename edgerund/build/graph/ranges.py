"""The range of every float value inside a network, from histograms over the calibration images.

One pass finds the extremes, a second one the histograms; each way of calibrating then reads the same histograms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgerund.build.graph.model import Model
from edgerund.build.graph.sessions import batch_size, check_images, feeds, open_session
from edgerund.build.technique import Images, Progress

Method = Literal["minmax", "percentile", "entropy", "mse"]
Floats = NDArray[np.float64]

BINS = 2048
LEVELS = 128
"""Steps that INT8 has on one side of zero: what the entropy method compares against."""
SHARES, SMALLEST_SHARE = 80, 0.05
"""How many shares of the full range are compared, and the smallest."""
BATCH_BYTES = 256 * 2**20


@dataclass
class Seen:
    """What one value was: its extremes, and how often it fell in each of ``BINS`` equal bins between them."""

    low: float = np.inf
    high: float = -np.inf
    counts: Floats = field(default_factory=lambda: np.zeros(BINS))

    def edges(self) -> Floats:
        """``[BINS + 1]``, from the lowest to the highest."""
        return np.linspace(self.low, self.high, BINS + 1)


def observe(model: Model, images: Images, threads: int, progress: Progress) -> dict[str, Seen]:
    """Run the float model twice over the images and look at every float value in it.

    Raises:
        BuildError: the model does not run on the images.
    """
    watched = type(model)()
    watched.CopyFrom(model)
    shown = {value.name for value in watched.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in shown:
                watched.graph.output.add().name = name
                shown.add(name)
    session = open_session(
        watched.SerializeToString(), "the network with all values shown", threads
    )
    check_images(session, images, "the network")
    floats = [v.name for v in session.get_outputs() if v.type == "tensor(float)"]
    fed = [v.name for v in session.get_inputs() if v.type == "tensor(float)"]
    seen = {name: Seen() for name in [*fed, *floats]}
    batch = _batch(session, images, floats)
    for sweep in (0, 1):
        for number, (_, part) in enumerate(feeds(session, images, batch)):
            values = dict(zip(floats, session.run(floats, part), strict=True))
            values |= {name: part[name] for name in fed}
            for name, value in values.items():
                _look(seen[name], value, sweep)
            done = min(1.0, (number + 1) * batch / len(images))
            progress((sweep + done) / 2, "watches the values inside the network")
    return {name: each for name, each in seen.items() if each.low <= each.high}


def _batch(session: Any, images: Images, floats: list[str]) -> int:
    fixed = any(v.shape and isinstance(v.shape[0], int) for v in session.get_inputs())
    batch = batch_size(session, images)
    if fixed:
        return batch
    _, one = next(feeds(session, images, 1))
    size = sum(value.nbytes for value in session.run(floats, one))
    return int(max(1, min(batch, BATCH_BYTES // max(1, size))))


def _look(seen: Seen, value: Any, sweep: int) -> None:
    flat = np.asarray(value).ravel()
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        return
    if sweep == 0:
        seen.low, seen.high = min(seen.low, float(flat.min())), max(seen.high, float(flat.max()))
    elif seen.high > seen.low:
        seen.counts += np.histogram(flat, BINS, (seen.low, seen.high))[0]


def ranges(
    seen: Mapping[str, Seen], method: Method, percentile: float
) -> dict[str, tuple[float, float]]:
    """Value name -> (lowest, highest) that INT8 shall hold; zero is always inside."""
    found = {}
    for name, each in seen.items():
        low, high = _one(each, method, percentile)
        found[name] = (min(low, 0.0), max(high, 0.0))
    return found


def _one(seen: Seen, method: Method, percentile: float) -> tuple[float, float]:
    if method == "minmax" or seen.high <= seen.low or not seen.counts.any():
        return seen.low, seen.high
    if method == "percentile":
        return _percentile(seen, percentile)
    return _shrunk(seen, _entropy_loss if method == "entropy" else _square_loss)


def _percentile(seen: Seen, percentile: float) -> tuple[float, float]:
    share = np.cumsum(seen.counts) / seen.counts.sum()
    outside = (1.0 - percentile / 100.0) / 2
    edges = seen.edges()
    low = edges[int(np.searchsorted(share, outside, side="right"))]
    high = edges[int(np.searchsorted(share, 1.0 - outside, side="left")) + 1]
    # a value that is never negative (behind a ReLU) loses nothing on that side
    return (seen.low if seen.low >= 0 else float(low)), float(high)


def _shrunk(seen: Seen, loss: Any) -> tuple[float, float]:
    """The share of the full range with the least loss, both sides shrunk alike."""
    best, chosen = np.inf, 1.0
    for share in np.geomspace(1.0, SMALLEST_SHARE, SHARES):
        value = loss(seen, float(share))
        if value < best * (1 - 1e-9):
            best, chosen = value, float(share)
    return seen.low * chosen, seen.high * chosen


def _square_loss(seen: Seen, share: float) -> float:
    """Mean squared error of rounding to 256 steps between the limits, clipping what lies outside."""
    edges = seen.edges()
    centres = (edges[1:] + edges[:-1]) / 2
    low, high = min(0.0, seen.low * share), max(0.0, seen.high * share)
    step = (high - low) / 255 or 1.0
    clipped = np.clip(centres, low, high)
    outside = (centres - clipped) ** 2
    return float((seen.counts * (outside + step**2 / 12)).sum() / seen.counts.sum())


def _entropy_loss(seen: Seen, share: float) -> float:
    """Kullback-Leibler divergence of the clipped histogram from the same at the resolution of INT8.

    As in S. Migacz, "8-bit inference with TensorRT" (GTC 2017), on both sides of zero at once.
    """
    edges = seen.edges()
    centres = (edges[1:] + edges[:-1]) / 2
    low, high = min(0.0, seen.low * share), max(0.0, seen.high * share)
    inside = (centres >= low) & (centres <= high)
    if inside.sum() < 2 * LEVELS:
        return np.inf
    counts = seen.counts.copy()
    counts[(edges[1:] > 0) & (edges[:-1] <= 0)] = (
        0  # what a ReLU made zero tells nothing of the rest
    )
    if not counts[inside].any():
        return np.inf
    kept = counts[inside]
    exact = kept.copy()
    exact[0] += counts[centres < low].sum()
    exact[-1] += counts[centres > high].sum()
    cell = np.arange(len(kept)) * (2 * LEVELS) // len(kept)
    filled = np.bincount(cell, kept > 0, 2 * LEVELS)
    total = np.bincount(cell, kept, 2 * LEVELS)
    coarse = np.where(kept > 0, (total / np.maximum(filled, 1))[cell], 0.0)
    p, q = exact / exact.sum(), coarse / max(coarse.sum(), 1e-30)
    there = p > 0
    q = np.where(q[there] > 0, q[there], 1e-9)
    return float((p[there] * np.log(p[there] / q)).sum())
