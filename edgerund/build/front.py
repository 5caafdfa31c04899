"""What nothing else beats: the front of a search, thinned to a ladder's length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """What a search compares. ``latency`` is a ratio to the base, measured side by side."""

    accuracy: float
    latency: float
    file_bytes: int

    def beats(self, other: Figures) -> bool:
        """No worse in anything, and better in something."""
        mine = (-self.accuracy, self.latency, self.file_bytes)
        its = (-other.accuracy, other.latency, other.file_bytes)
        return mine != its and all(a <= b for a, b in zip(mine, its, strict=True))


def front(found: Sequence[Figures]) -> list[int]:
    """Indices of what nothing else beats, the most accurate first; of equals only the first."""
    kept = [
        i
        for i, each in enumerate(found)
        if not any(other.beats(each) for other in found) and each not in found[:i]
    ]
    return sorted(kept, key=lambda i: (-found[i].accuracy, found[i].latency, i))


def thinned(found: Sequence[Figures], kept: Sequence[int], most: int) -> list[int]:
    """At most ``most`` of ``kept``: the most accurate, the fastest, and what lies farthest from those taken."""
    if len(kept) <= most:
        return list(kept)
    places = {i: _place(found[i], [found[j] for j in kept]) for i in kept}
    taken = [kept[0]]
    fastest = min(kept, key=lambda i: (found[i].latency, i))
    if most > 1 and fastest not in taken:
        taken.append(fastest)
    while len(taken) < most:
        rest = [i for i in kept if i not in taken]
        taken.append(max(rest, key=lambda i: (min(_far(places[i], places[j]) for j in taken), -i)))
    return [i for i in kept if i in taken]


def _place(one: Figures, among: Sequence[Figures]) -> tuple[float, ...]:
    """Each figure as 0..1 of its spread."""
    columns = [(f.accuracy, f.latency, float(f.file_bytes)) for f in among]
    mine = (one.accuracy, one.latency, float(one.file_bytes))
    place = []
    for axis, value in enumerate(mine):
        low, high = min(c[axis] for c in columns), max(c[axis] for c in columns)
        place.append((value - low) / (high - low) if high > low else 0.0)
    return tuple(place)


def _far(a: Sequence[float], b: Sequence[float]) -> float:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
