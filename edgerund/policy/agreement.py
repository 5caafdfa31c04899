"""What a variant is worth on the frames that really come: its card's accuracy, corrected by the live agreement.

The ladder's best variant stands for the truth: how often another one answers like it is counted on the frames of the
shadow. The counts are forgotten, quickly with every new frame, slowly with time alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from edgerund.types import Agreement, LadderState, ServingFigures, VariantState

MEMORY_FRAMES = 200.0
"""So many frames weigh; the oldest fade."""
FORGET_S = 3600.0
"""Half-life of what was seen, where nothing new comes: scenes change while nobody looks."""
ENOUGH = 30.0
"""Below so many frames nothing is concluded."""
Z_LOWER = 2.326  # 99 %, one-sided: how much of a fall is beyond doubt, and lowers the accuracy
Z_BOTH = 1.96  # 95 %, two-sided: what people are shown
Z_DRIFT = 3.0  # 99.9 %, one-sided: what is told as a drift, at every tick for hours


class Seen(NamedTuple):
    """One variant: ``agreed`` of ``frames``, both faded; the best that was sure to be seen; when it faded last."""

    agreed: float = 0.0
    frames: float = 0.0
    best: float = 0.0
    drifted: bool = False
    at_s: float = 0.0


Memory: TypeAlias = Mapping[str, Seen]


def observe(memory: Memory, serving: ServingFigures, ladder: LadderState, now_s: float) -> Memory:
    """The memory after one window. Nothing is allocated while no shadow runs and nothing is remembered."""
    name = serving.shadow
    news = name is not None and any(v.name == name for v in ladder.variants[1:])
    if not memory and not news:
        return memory
    kept = {n: _faded(seen, now_s) for n, seen in memory.items()}
    if news and name is not None:
        kept[name] = _counted(kept.get(name, Seen(at_s=now_s)), serving)
    top = ladder.variants[0]
    return {
        v.name: _judged(kept[v.name], _expected(v, top, kept[v.name]))
        for v in ladder.variants[1:]
        if v.name in kept
    }


def _faded(seen: Seen, now_s: float) -> Seen:
    keep = 0.5 ** (max(0.0, now_s - seen.at_s) / FORGET_S)
    return seen._replace(agreed=seen.agreed * keep, frames=seen.frames * keep, at_s=now_s)


def _counted(seen: Seen, serving: ServingFigures) -> Seen:
    frames = float(serving.shadowed)
    if not (frames > 0.0 and 0.0 <= serving.agreed <= frames):  # NaN fails too
        return seen
    keep = (1.0 - 1.0 / MEMORY_FRAMES) ** min(frames, MEMORY_FRAMES)
    agreed, total = seen.agreed * keep + serving.agreed, seen.frames * keep + frames
    best = seen.best
    if total >= ENOUGH:
        best = max(best, wilson(agreed, total, Z_LOWER)[0])
    return seen._replace(agreed=agreed, frames=total, best=best)


def _judged(seen: Seen, expected: float) -> Seen:
    """Beyond chance below what was expected; once so, until it is no longer beyond doubt."""
    z = Z_LOWER if seen.drifted else Z_DRIFT
    high = wilson(seen.agreed, seen.frames, z)[1]
    return seen._replace(drifted=seen.frames >= ENOUGH and high < expected)


def wilson(agreed: float, frames: float, z: float) -> tuple[float, float]:
    """Limits of a share seen as ``agreed`` of ``frames``, at ``z`` standard deviations; (0, 1) for no frame.

    Wilson, Probable inference, JASA 1927: it never leaves 0..1 and holds for few frames, as the quantiles of a Beta
    distribution would. Shares between 0 and 1 per frame scatter less than yes and no, so it is on the safe side.
    """
    if frames <= 0.0:
        return 0.0, 1.0
    share, spread = agreed / frames, z * z / frames
    middle = (share + spread / 2.0) / (1.0 + spread)
    half = z * math.sqrt(max(0.0, share * (1.0 - share) / frames + spread / (4.0 * frames)))
    half /= 1.0 + spread
    return max(0.0, middle - half), min(1.0, middle + half)


def _expected(variant: VariantState, top: VariantState, seen: Seen) -> float:
    """How often it should answer like the best one.

    The card's agreement; else the more demanding of what two accuracies imply (both are right on at least
    A + A_top - 1 of the frames, Fréchet) and the best that this device was sure to have seen.
    """
    if variant.card.agreement is not None:
        return variant.card.agreement
    mine, best = variant.card.accuracy, top.card.accuracy
    implied = max(0.0, mine + best - 1.0) if mine is not None and best is not None else 0.0
    return max(implied, seen.best)


def trusted(accuracies: Sequence[float], ladder: LadderState, memory: Memory) -> list[float]:
    """The accuracies (best first) that the decision may count on.

    With A the card's accuracy, e the expected agreement and a the live one, A' = A min(1, a / e): an answer that
    agrees with the best variant is as often right as on the card, one that does not agree is taken for wrong. It
    is never below the Fréchet bound A_top - (1 - a) while e >= A. For a stands the upper limit of its confidence
    interval, so that only what is beyond doubt counts. What is hardly seen is believed to have fallen as far as
    the next better one: unknown may only lower.
    """
    if not memory:
        return list(accuracies)
    found, fallen = [accuracies[0]], 1.0
    top = ladder.variants[0]
    for variant, accuracy in zip(ladder.variants[1:], accuracies[1:], strict=True):
        seen = memory.get(variant.name, Seen())
        if seen.frames >= ENOUGH:
            expected = _expected(variant, top, seen)
            high = wilson(seen.agreed, seen.frames, Z_LOWER)[1]
            fallen = min(1.0, high / expected) if expected > 0.0 else 1.0
        found.append(accuracy * fallen)
    return found


def summary(
    accuracies: Sequence[float], ladder: LadderState, memory: Memory
) -> tuple[Agreement, ...]:
    """What was seen of each variant, for people; ``accuracies`` are the trusted ones."""
    told = []
    for variant, accuracy in zip(ladder.variants, accuracies, strict=True):
        seen = memory.get(variant.name)
        if seen is None or seen.frames < 1.0:
            continue
        low, high = wilson(seen.agreed, seen.frames, Z_BOTH)
        told.append(
            Agreement(
                variant.name,
                seen.agreed / seen.frames,
                low,
                high,
                seen.frames,
                _expected(variant, ladder.variants[0], seen),
                accuracy,
                seen.drifted,
            )
        )
    return tuple(told)
