"""What a variant whose time depends on the frame is timed on: real frames, the hard ones in their proportion."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edgerund.profile.samples import Samples
from edgerund.profile.subject import Subject
from edgerund.profile.subject_work import Loaded

ASKED = 4096
"""So many samples tell the proportion to less than a point."""


def show_in_proportion(
    subject: Subject, loaded: Loaded, samples: Samples, most: int, seed: int
) -> Loaded:
    """Let the bursts of a cascade run on ``most`` samples that escalate as often as all of them do.

    Raises:
        EngineError: the variant failed.
    """
    asked = samples.take(ASKED)
    ways: list[int] = []
    for _, chunk in asked.chunks():
        ways += subject.ways(chunk)
    every: Any = asked.inputs if len(asked.inputs) else asked.frames
    shown = [every[i] for i in in_proportion(ways, most, seed)]
    return replace(loaded, inputs=subject.show(shown))


def in_proportion(ways: Sequence[int], most: int, seed: int) -> list[int]:
    """Numbers of ``most`` samples, spread evenly over those of each way, in a drawn order.

    Each way has its share of them by largest remainders, and at least one.
    """
    of_way: dict[int, list[int]] = {}
    for i, way in enumerate(ways):
        of_way.setdefault(way, []).append(i)
    most = max(min(most, len(ways)), len(of_way))
    wanted = {way: len(those) * most / len(ways) for way, those in of_way.items()}
    counts = {way: max(1, int(share)) for way, share in wanted.items()}
    by_rest = sorted(wanted, key=lambda way: (counts[way] - wanted[way], way))
    for way in by_rest[: max(0, most - sum(counts.values()))]:
        counts[way] += 1
    picked = []
    for way, those in of_way.items():
        picked += [those[i * len(those) // counts[way]] for i in range(counts[way])]
    random.Random(seed).shuffle(picked)
    return picked
