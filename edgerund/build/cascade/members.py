"""What the members of a cascade say of the validation images: how right each is, how sure, and how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgerund.build.cascade.choice import Floats
from edgerund.build.technique import Array, Images
from edgerund.engines.cascade_rule import CONFIDENCE
from edgerund.errors import BuildError


@dataclass(frozen=True)
class Told:
    """``scores``: for each member and image 0 to 1 by ``metric``; ``confidence``: of every member but the last.

    ``best`` is the member that the others are held against, ``times_ms`` one inference of each, side by side.
    """

    scores: Sequence[Floats]
    confidence: Sequence[Floats]
    metric: str
    best: int
    times_ms: Sequence[float]

    @property
    def accuracy(self) -> list[float]:
        """Of each member alone."""
        return [float(each.mean()) for each in self.scores]


def ask(files: Sequence[Path], images: Images, kind: str, output: int, threads: int) -> Told:
    """Ask every member about every image.

    With labels the score is a right answer, and the best member the one with most of them; without, it is agreement
    with the last member.

    Raises:
        BuildError: one fails, or no confidence can be read from that output.
    """
    from edgerund.build.graph.sessions import open_session, run_all
    from edgerund.build.graph.timing import bursts_ms

    outputs = []
    for number, file in enumerate(files, start=1):
        name = f"member {number}"
        runs = run_all(open_session(file, name, threads), images, name)
        outputs.append([np.concatenate(column) for column in zip(*runs, strict=True)])
    scores, metric = _scores(outputs, images)
    accuracy = [float(each.mean()) for each in scores]
    best = accuracy.index(max(accuracy)) if metric == "accuracy" else len(files) - 1
    confidence = [_confidence(told, kind, output, len(images)) for told in outputs[:-1]]
    times = [float(np.median(times)) for times in bursts_ms(files, images)]
    return Told(scores, confidence, metric, best, times)


def _scores(outputs: Sequence[Sequence[Array]], images: Images) -> tuple[list[Floats], str]:
    if all(told[0].ndim == 2 and told[0].shape[1] > 1 for told in outputs):
        named = [told[0].argmax(1) for told in outputs]
        truth = named[-1] if images.labels is None else images.labels
        metric = "agreement" if images.labels is None else "accuracy"
        return [np.asarray(each == truth, np.float64) for each in named], metric
    return [_nearness(told, outputs[-1]) for told in outputs], "agreement"


def _nearness(told: Sequence[Array], last: Sequence[Array]) -> Floats:
    """One minus the relative L2 distance of all outputs from the last member's, at least 0, image by image."""
    far, size = np.zeros(len(last[0])), np.zeros(len(last[0]))
    for ours, theirs in zip(told, last, strict=True):
        a, b = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (ours, theirs))
        far += ((a - b) ** 2).sum(axis=1)
        size += (b**2).sum(axis=1)
    near: Floats = np.maximum(0.0, 1.0 - np.sqrt(far / np.maximum(size, 1e-30)))
    return np.where(np.isfinite(near), near, 0.0)


def _confidence(told: Sequence[Array], kind: str, output: int, count: int) -> Floats:
    """As the engine reads it; minus infinity where it never counts as sure."""
    rows = np.asarray(told[output], np.float64).reshape(len(told[output]), -1)
    if len(rows) != count:
        raise BuildError(
            f"cannot read a confidence from output {output}: it has {len(rows)} rows for {count} images"
        )
    if kind != "probability" and rows.shape[1] < 2:
        raise BuildError(f"cannot read a {kind} from output {output}: it has one value alone")
    finite: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(rows), axis=1)
    sure = CONFIDENCE[kind](np.where(finite[:, None], rows, 0.0))
    return np.where(finite, sure, -np.inf)
