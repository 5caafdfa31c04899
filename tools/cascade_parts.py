"""The parts of the cascade's curve: what is asked in turns and timed, and how a threshold is chosen."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerund.checksum import file_sha256
from edgerund.engines.cascade import CascadeBackend
from edgerund.ports import Array, Engine, Incoming, LoadOptions, Pipeline
from edgerund.types import VariantPlan
from tools.cifar10.data import Part

SHARES = (0.0, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)
"""Escalated shares for which the sweep looks up the threshold."""


@dataclass(frozen=True)
class Point:
    """One threshold on the validation images; ``noise`` is the standard error of ``loss`` (paired images)."""

    at_least: float
    accuracy: float
    loss: float
    noise: float
    share: float


@dataclass(frozen=True)
class Timing:
    """Milliseconds per image, one row per round, one column per contestant."""

    rounds: NDArray[np.float64]

    def ms(self, column: int) -> float:
        """Median over the rounds."""
        return float(np.median(self.rounds[:, column]))

    def ratio(self, column: int, base: int) -> float:
        """Median over the rounds of the ratio within each."""
        return float(np.median(self.rounds[:, column] / self.rounds[:, base]))


# ------------------------------------------------------------------ asking
def prepared(pipeline: Pipeline, part: Part) -> list[list[Array]]:
    """The engine's inputs for every image."""
    frames = (np.ascontiguousarray(image.transpose(1, 2, 0)) for image in part.images)
    return [pipeline.prepare(Incoming(arrays=(frame,)))[0] for frame in frames]


def named(pipeline: Pipeline, outputs: Sequence[Array]) -> int:
    """The class that the task names."""
    best: int = pipeline.finish(outputs, None).result["classes"][0]
    return best


def timed(
    engines: Sequence[Engine], inputs: Sequence[list[Array]], rounds: int
) -> tuple[Timing, list[list[list[Array]]], NDArray[np.float64]]:
    """Run every engine on every image; the images are dealt out to the rounds, the engines take turns in each.

    Returns:
        The timing, the outputs and the milliseconds [engine][image].
    """
    outputs: list[list[list[Array]]] = [[] for _ in engines]
    took = np.zeros((len(engines), len(inputs)))
    table = np.zeros((rounds, len(engines)))
    for r, images in enumerate(np.array_split(np.arange(len(inputs)), rounds)):
        for turn in range(len(engines)):
            e = (r + turn) % len(engines)
            engines[e].infer(inputs[0])
            for i in images:
                began_s = time.perf_counter()
                answer = engines[e].infer(inputs[i])
                took[e, i] = (time.perf_counter() - began_s) * 1e3
                outputs[e].append(answer)
            table[r, e] = took[e, images].mean()
    return Timing(table), outputs, took


# ------------------------------------------------------------------ choosing
def points(
    cheap: NDArray[np.bool_],
    top: NDArray[np.bool_],
    base: NDArray[np.bool_],
    confidence: NDArray[np.float64],
) -> list[Point]:
    """Accuracy for each threshold, from which answers were right and how sure the cheap model was.

    The loss is counted against ``base``, which may be ``top``.
    """
    found = []
    for at_least in sorted({float(f"{t:.3g}") for t in np.quantile(confidence, SHARES)} | {0.0}):
        stays = confidence >= at_least
        right = np.where(stays, cheap, top)
        worse = base.astype(np.float64) - right
        noise = float(worse.std() / math.sqrt(len(worse)))
        found.append(
            Point(
                at_least, float(right.mean()), float(worse.mean()), noise, 1 - float(stays.mean())
            )
        )
    return found


def choose(found: Sequence[Point], loss: float) -> Point:
    """The cheapest point whose loss, with two standard errors to spare, is allowed; else the most accurate."""
    good = [p for p in found if p.loss + 2 * p.noise <= loss]
    return min(good, key=lambda p: p.share) if good else max(found, key=lambda p: p.accuracy)


def typical(took_ms: NDArray[np.float64], stays: NDArray[np.bool_]) -> float:
    """Mean time of a cascade from the medians of its two ways: what others take from the processor counts less."""
    ways = [took_ms[way] for way in (stays, ~stays) if way.any()]
    return float(sum(np.median(way) * len(way) for way in ways) / len(took_ms))


# ------------------------------------------------------------------ the cascade under test
class Bench:
    """A folder with copies of the two models and their cascade, loaded with any threshold."""

    def __init__(
        self, folder: Path, cheap: VariantPlan, top: VariantPlan, kind: str, threads: int
    ) -> None:
        self.members = [_member(v) for v in (cheap, top)]
        self.members[0]["accept"] = {"kind": kind, "at_least": 0.0}
        for plan in (cheap, top):
            shutil.copy(plan.file, folder)
        self.file = folder / "curve.cascade"
        self.file.write_text(json.dumps({"members": self.members}))
        self.threads = threads

    def engine(self, at_least: float) -> Engine:
        options = LoadOptions(threads=self.threads, extra={"at_least": at_least})
        return CascadeBackend().load(self.file, options, lambda _share, _text: None)

    def text(self, at_least: float) -> str:
        """The ``.cascade`` file for that threshold."""
        self.members[0]["accept"]["at_least"] = at_least
        return json.dumps({"members": self.members}, indent=2) + "\n"


def _member(plan: VariantPlan) -> dict[str, Any]:
    path = Path(plan.file)
    told = {"file": path.name, "backend": plan.backend, "sha256": file_sha256(path)}
    return {**told, "options": dict(plan.options)} if plan.options else told
