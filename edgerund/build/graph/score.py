"""How good a changed model is on validation images: right answers, or agreement with the model it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgerund.build.graph.sessions import open_session, run_all
from edgerund.build.technique import Array, Data, Images

Runs = Sequence[Sequence[Array]]


@dataclass(frozen=True)
class Score:
    """``value`` is 0..1 by ``metric``; ``error`` is the relative L2 distance of the outputs from the parent's."""

    value: float
    error: float
    metric: str

    @property
    def key(self) -> tuple[float, float]:
        """What to maximise: the value, then closeness to the parent."""
        return (self.value, -self.error)

    def facts(self) -> dict[str, float]:
        """JSON-ready."""
        return {self.metric: round(self.value, 5), "output_error": round(self.error, 5)}


class Judge:
    """Asks the parent once, then scores any number of descendants on the same images."""

    def __init__(self, parent: Path | bytes, data: Data, threads: int, most: int = 0) -> None:
        images = data.validation if data.validation is not None else data.calibration
        self.images: Images = images.take(0, min(len(images), most)) if most else images
        self._threads = threads
        self._reference = run_all(
            open_session(parent, "the parent", threads), self.images, "the parent"
        )
        named = self.images.labels is not None and _is_classifier(self._reference)
        self.metric = "accuracy" if named else "agreement"
        self.parent = self._score(self._reference)

    def __call__(self, model: Path | bytes, name: str = "the changed model") -> Score:
        """The score of a model with the parent's signature.

        Raises:
            BuildError: it does not load, or fails on an image.
        """
        return self._score(run_all(open_session(model, name, self._threads), self.images, name))

    def _score(self, runs: Runs) -> Score:
        if self.metric == "accuracy":
            assert self.images.labels is not None
            told = np.concatenate([run[0].argmax(1) for run in runs])
            value = float((told == self.images.labels[: len(told)]).mean())
        else:
            value = agreement(self._reference, runs)
        return Score(value, relative_error(self._reference, runs), self.metric)


def _is_classifier(runs: Runs) -> bool:
    return all(run[0].ndim == 2 and run[0].shape[1] > 1 for run in runs)


def agreement(reference: Runs, runs: Runs) -> float:
    """0..1: the share of equal first answers for classifiers, else one minus the relative distance, per run."""
    if _is_classifier(reference) and all(len(run) == 1 for run in reference):
        same = [a[0].argmax(1) == b[0].argmax(1) for a, b in zip(reference, runs, strict=True)]
        return float(np.concatenate(same).mean())
    far = [relative_error([a], [b]) for a, b in zip(reference, runs, strict=True)]
    return float(np.mean([max(0.0, 1.0 - each) for each in far]))


def relative_error(reference: Runs, runs: Runs) -> float:
    """L2 distance of all outputs over the L2 norm of the reference's; infinite where one is not finite."""
    distance = norm = 0.0
    for one, other in zip(reference, runs, strict=True):
        for a, b in zip(one, other, strict=True):
            x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
            if x.shape != y.shape:
                return float("inf")
            distance += float(((x - y) ** 2).sum())
            norm += float((x**2).sum())
    if not np.isfinite(distance):
        return float("inf")
    return float(np.sqrt(distance / max(norm, 1e-30)))
