"""Warm latencies of all variants in interleaved rounds: what disturbs one disturbs its neighbours too, and cancels.

One round asks every variant for one short burst, in an order drawn anew. Of each burst the fastest undisturbed run
counts for ratios: what a busy machine leaves in the others (cold caches, a shared memory bus) only ever adds. Ratios
are formed within each round and their median is taken over the rounds, so that neither a slow minute nor a clock that
climbs shifts them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edgerund.clock import Clock
from edgerund.errors import EngineError
from edgerund.profile.figures import Latency
from edgerund.profile.median import median, median_error, quantile
from edgerund.profile.subject import Subject
from edgerund.profile.subject_work import Burst, Loaded

# short enough to fit into what a scheduler gives at once to a process that has just been woken
BURST_MS = 5.0
SHORTEST_BURST, LONGEST_BURST, VARYING_BURST = 2, 40, 32
WARM_MS = 3.0
LEAST_ROUNDS, LOOK_EVERY = 20, 5
NARROW = 0.01
LEAST_CALM = 20
"""With fewer undisturbed runs than this, disturbed ones must do."""

Key = tuple[str, str]
"""Variant and backend."""


@dataclass(slots=True)
class Track:
    """One variant in the rounds: its bursts, None where it had failed."""

    subject: Subject
    loaded: Loaded
    bursts: list[Burst] = field(default_factory=list)
    failed: str | None = None

    @property
    def key(self) -> Key:
        """Which one it is."""
        return self.subject.name, self.subject.backend

    @property
    def plan(self) -> tuple[int, int]:
        """How many runs of a burst only warm, and how many are counted."""
        typical_ms = max(self.loaded.typical_ms, 1e-3)
        if self.loaded.varies:  # every burst shall see the same mix of easy and hard
            return 1, VARYING_BURST
        count = min(LONGEST_BURST, max(SHORTEST_BURST, round(BURST_MS / typical_ms)))
        return max(1, min(8, round(WARM_MS / typical_ms))), count


@dataclass(frozen=True, slots=True)
class Rounds:
    """When the rounds end: when every ratio is known to ``NARROW``, or after ``seconds``; or after ``exactly``."""

    seconds: float = 30.0
    exactly: int | None = None

    def over(self, done: int, took_s: float, error: float) -> bool:
        """Whether it is enough."""
        if self.exactly is not None:
            return done >= self.exactly
        return done >= LEAST_ROUNDS and (error <= NARROW or took_s >= self.seconds)


def run_rounds(
    tracks: Sequence[Track],
    rounds: Rounds,
    clock: Clock,
    rng: random.Random,
    progress: Callable[[float, str], None],
) -> None:
    """Fill the tracks. One whose variant fails says so and takes no further part."""
    start_s, done, error = clock.monotonic_s(), 0, math.inf
    while True:
        alive = [t for t in tracks if t.failed is None]
        took_s = clock.monotonic_s() - start_s
        if done % LOOK_EVERY == 0:
            error = max((ratio_error(t, alive[0]) for t in alive), default=0.0)
        if not alive or rounds.over(done, took_s, error):
            return
        share = done / rounds.exactly if rounds.exactly else min(1.0, took_s / rounds.seconds)
        sure = f", ratios known to {error:.1%}" if math.isfinite(error) else ""
        progress(share, f"round {done + 1}{sure}")
        for track in rng.sample(alive, len(alive)):
            _turn(track)
        done += 1


def _turn(track: Track) -> None:
    try:
        track.bursts.append(track.subject.burst(*track.plan))
    except EngineError as e:
        track.failed = str(e)


def sum_up(track: Track, first: Track | None) -> Latency:
    """The figures of one track; ``first`` is what it is compared with."""
    kept = [ms for burst in counted(track) for ms in burst]
    fastest = levels(track)
    return Latency(
        threads=track.subject.threads,
        p50_ms=_over_inputs(track, median) if track.loaded.varies else median(kept),
        p99_ms=quantile(kept, 0.99),
        p10_ms=quantile(kept, 0.10),
        mean_ms=sum(kept) / len(kept),
        runs=len(kept),
        disturbed=sum(len(b.ms) for b in track.bursts) - len(kept),
        rounds=len(track.bursts),
        error=median_error([level for level in fastest if level > 0]),
        relative=None if first is None else ratio(track, first),
        cpu_ms=median([b.cpu_ms for b in track.bursts]),
        backend=track.subject.backend,
    )


def counted(track: Track) -> list[tuple[float, ...]]:
    """The runs of each burst that count: the undisturbed ones; where they are too few, the fastest quarter of all."""
    if sum(sum(b.calm) for b in track.bursts) >= LEAST_CALM:
        return [_calm(b) for b in track.bursts]
    limit_ms = quantile([ms for burst in track.bursts for ms in burst.ms], 0.25)
    return [tuple(ms for ms in burst.ms if ms <= limit_ms) for burst in track.bursts]


def levels(track: Track) -> list[float]:
    """What each round says of a track, without what the machine added; NaN where it says nothing.

    The fastest run that counts. Where easy and hard frames differ, the same for every round: the mean over frames of
    each one's fastest run.
    """
    if track.loaded.varies:
        return [_over_inputs(track, min)] * len(track.bursts)
    return [min(burst, default=math.nan) for burst in counted(track)]


def ratio(track: Track, other: Track) -> float:
    """The median over rounds of the times of two tracks in the same round; NaN where they share none."""
    return median(_ratios(track, other))


def ratios(tracks: Sequence[Track]) -> Mapping[tuple[Key, Key], float]:
    """Of every pair, each once, in the order of the tracks."""
    return {(a.key, b.key): ratio(a, b) for i, a in enumerate(tracks) for b in tracks[i + 1 :]}


def ratio_error(track: Track, other: Track) -> float:
    """How sure the ratio of two tracks is (see ``median_error``); of a track to itself, its own time."""
    if track is other:
        return median_error([level for level in levels(track) if level > 0])
    return median_error(_ratios(track, other))


def _ratios(track: Track, other: Track) -> list[float]:
    pairs = zip(levels(track), levels(other), strict=False)
    return [a / b for a, b in pairs if a > 0 and b > 0]


def _over_inputs(track: Track, of: Callable[[Sequence[float]], float]) -> float:
    """The mean over inputs of what ``of`` says of each one's undisturbed runs (of all its runs, if there is none)."""
    calm: dict[int, list[float]] = {}
    every: dict[int, list[float]] = {}
    for burst in track.bursts:
        for i, (ms, left_alone) in enumerate(zip(burst.ms, burst.calm, strict=True)):
            shown = (burst.shown + i) % track.loaded.inputs
            every.setdefault(shown, []).append(ms)
            if left_alone:
                calm.setdefault(shown, []).append(ms)
    told = [of(calm.get(shown) or ms) for shown, ms in every.items()]
    return sum(told) / len(told) if told else math.nan


def _calm(burst: Burst) -> tuple[float, ...]:
    return tuple(ms for ms, left_alone in zip(burst.ms, burst.calm, strict=True) if left_alone)
