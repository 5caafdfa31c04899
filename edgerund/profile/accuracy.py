"""Accuracy, agreement and robust accuracy of all variants over the same samples, chunk by chunk.

Every variant gets one picture at a time, as the daemon's clients send them: a batch may round otherwise. Variants are
asked several at once, each in its own process; a picture is spoilt once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgerund.errors import EngineError
from edgerund.ports import Array
from edgerund.profile.agreement import agreement, right
from edgerund.profile.answered import Answered
from edgerund.profile.corruptions import corrupt, shrunk
from edgerund.profile.samples import Samples
from edgerund.profile.subject import Subject

Progress = Callable[[float, str], None]


@dataclass(slots=True)
class Examined:
    """What became of one variant: which samples it named right, how often it agreed with the first one."""

    subject: Subject
    answered: Answered = field(default_factory=Answered)
    failed: str | None = None
    right: list[Array] = field(default_factory=list)
    agreed: list[tuple[float, int]] = field(default_factory=list)
    robust: dict[str, float] = field(default_factory=dict)

    @property
    def accuracy(self) -> float | None:
        """Share of the samples that were named right; None without labels, or if the variant failed."""
        if self.failed is not None or not self.right:
            return None
        return float(np.concatenate(self.right).mean())

    @property
    def agreement(self) -> float | None:
        """With the first variant that could be asked; None if this one failed."""
        if self.failed is not None or not self.agreed:
            return None
        total = sum(count for _, count in self.agreed)
        return sum(share * count for share, count in self.agreed) / total


def examine(
    task: str,
    examined: Sequence[Examined],
    samples: Samples,
    tolerance: float,
    jobs: int,
    progress: Progress,
) -> str:
    """Ask every variant about every sample; the name of the one that the others are compared with.

    ``jobs`` of them answer at a time.
    """
    for begin, chunk in samples.chunks():
        progress(begin / len(samples), f"accuracy, image {begin + 1} of {len(samples)}")
        answers = _asked(examined, chunk, f"plain {begin}", jobs)
        first = _first(examined)
        for one, told in answers:
            if one.failed is not None or first is None:
                continue
            if samples.labels is not None and task != "detect":
                one.right.append(right(task, told, samples.labels[begin : begin + len(chunk)]))
            if first is not one:
                theirs = next(t for e, t in answers if e is first)
                one.agreed.append((agreement(task, told, theirs, tolerance), len(chunk)))
    first = _first(examined)
    return first.subject.name if first else ""


def examine_robust(
    examined: Sequence[Examined],
    samples: Samples,
    side: int | None,
    spoil: tuple[Sequence[str], Sequence[int]],
    jobs: int,
    progress: Progress,
) -> None:
    """Fill ``robust``: accuracy of classifiers for each corruption and severity, over pictures with labels.

    ``side`` is the longer side of the largest network input of the ladder: pictures are shrunk to it first.
    ``spoil`` are the corruptions and the severities; ``jobs`` variants answer at a time.
    """
    labels = samples.labels
    if labels is None or not len(samples.frames):
        return
    steps = [(kind, severity) for kind in spoil[0] for severity in spoil[1]]
    for number, (kind, severity) in enumerate(steps):
        progress(number / len(steps), f"accuracy under {kind}, severity {severity}")
        counted: dict[str, int] = {}
        for begin, chunk in _spoilt(samples, side, kind, severity):
            shown = labels[begin : begin + len(chunk)]
            step = f"{kind} {severity} at {side or 'full'}, {begin} of {len(samples)}"
            for one, told in _asked(examined, chunk, step, jobs):
                good = int(right("classify", told, shown).sum())
                counted[one.subject.name] = counted.get(one.subject.name, 0) + good
        for one in examined:
            if one.failed is None:
                one.robust[f"{kind} {severity}"] = counted[one.subject.name] / len(samples)


def _spoilt(
    samples: Samples, side: int | None, kind: str, severity: int
) -> Iterator[tuple[int, list[Any]]]:
    for begin, chunk in samples.chunks():
        small = [shrunk(frame, side) if side else frame for frame in chunk]
        yield begin, [corrupt(f, kind, severity, begin + i) for i, f in enumerate(small)]


def _asked(
    examined: Sequence[Examined], chunk: Sequence[Any], step: str, jobs: int
) -> list[tuple[Examined, list[Any]]]:
    """What each variant that still can says to the chunk."""
    alive = [one for one in examined if one.failed is None]
    with ThreadPoolExecutor(max_workers=jobs) as hands:
        told = list(hands.map(lambda one: _told(one, chunk, step), alive))
    return [(one, each) for one, each in zip(alive, told, strict=True) if each is not None]


def _told(one: Examined, chunk: Sequence[Any], step: str) -> list[Any] | None:
    known = one.answered.find(step, len(chunk))
    if known is not None:
        return known
    try:
        told = one.subject.answers(chunk)
    except EngineError as e:
        one.failed = str(e)
        return None
    one.answered.keep(step, told)
    return told


def _first(examined: Sequence[Examined]) -> Examined | None:
    return next((one for one in examined if one.failed is None), None)
