"""How much slower than its card this device serves now, and how each variant differs from that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from edgerund.policy.bounds import at_least, at_most
from edgerund.types import Card, ServingFigures, VariantState

Z99 = 2.326  # standard deviations between median and 99th percentile of a normal distribution
NOISE_R = 0.001  # measurement noise of ALERT (Wan et al., USENIX ATC 2020, section 3.3)
NOISE_Q0 = 0.0001
FORGET = 0.3
LEARN_WINDOWS = 5
RESIDUAL_GAIN, RESIDUAL_FADE = 0.6, 0.7
MAX_LOG = 3.0
LEAST_MS, MOST_MS = 1e-3, 1e7  # what can be a latency; anything else is a broken figure
NOTHING: Mapping[str, float] = {}


class LatencyMemory(NamedTuple):
    """The slowdown filter of one ladder.

    ``mean`` and ``variance`` of latency / card latency; ``noise`` is the adaptive process noise. ``residual``
    is the log ratio of one variant against the common slowdown; ``learned_ms`` replaces a missing card
    figure. ``windows`` counts the windows of ``variant`` since it became live, ``history`` all of them.
    ``wait_ratio`` is waiting time and ``spread`` the deviation of one reply, both in units of its mean; of a variant
    whose time depends on the frame (a cascade), ``spread`` is what it shows beyond its card's own.
    """

    mean: float = 1.0
    variance: float = 0.01
    noise: float = 0.01
    variant: str | None = None
    windows: int = 0
    history: int = 0
    residual: Mapping[str, float] = NOTHING
    learned_ms: Mapping[str, float] = NOTHING
    wait_ratio: float = 0.0
    spread: float | None = None


class LatencyForecast(NamedTuple):
    """Mean and deviation of a reply's latency, ms."""

    mean_ms: float
    deviation_ms: float


def base_ms(memory: LatencyMemory, variant: str, card: Card) -> float | None:
    """The latency of an undisturbed inference: the card's, else what was learned, else unknown."""
    if card.latency_ms:
        return at_least(LEAST_MS, card.latency_ms)
    return memory.learned_ms.get(variant)


def observe(
    memory: LatencyMemory, serving: ServingFigures, cards: Mapping[str, Card]
) -> LatencyMemory:
    """Feed one window of serving figures."""
    sample = middle_ms(serving.infer_ms_p50, serving.infer_ms_mean, serving)
    name = serving.variant
    if name is None or name not in cards or not sample or not plausible(sample):
        return memory
    windows = memory.windows if name == memory.variant else 0
    learned_ms = _learned(memory, windows, name, cards[name], sample)
    base = cards[name].latency_ms or learned_ms[name]
    ratio = sample / at_least(LEAST_MS, base)
    residual = _residual(memory, windows, name, ratio)
    mean, variance, noise = _filtered(memory, ratio * math.exp(-residual.get(name, 0.0)))
    wait_ratio, spread = _shape(memory, serving, sample, cards[name])
    return LatencyMemory(
        mean,
        variance,
        noise,
        name,
        windows + 1,
        memory.history + 1,
        residual,
        learned_ms,
        wait_ratio,
        spread,
    )


def forecast(memory: LatencyMemory, variant: str, card: Card) -> LatencyForecast | None:
    """Latency of a reply if ``variant`` served now; None if nothing is known about it."""
    (found,) = forecasts(memory, [VariantState(variant, card)], [base_ms(memory, variant, card)])
    return None if found is None else LatencyForecast(*found)


def forecasts(
    memory: LatencyMemory, variants: Sequence[VariantState], bases: Sequence[float | None]
) -> list[tuple[float, float] | None]:
    """Mean and deviation, as in ``LatencyForecast``, of every variant, given its ``base_ms``."""
    mean, variance, noise, _, _, _, residual, _, wait_ratio, spread = memory
    drift, waited = math.sqrt(variance + noise), 1.0 + wait_ratio
    found: list[tuple[float, float] | None] = []
    for variant, base in zip(variants, bases, strict=True):
        if base is None:
            found.append(None)
            continue
        differs = residual.get(variant.name)
        alone_ms = base if differs is None else base * math.exp(differs)
        mean_ms = alone_ms * mean * waited
        share = spread if spread is not None else _card_spread(variant.card)
        if spread is not None and variant.card.varies:
            # its hard frames are its own, whoever serves now
            share = math.hypot(spread, _card_spread(variant.card))
        found.append((mean_ms, math.hypot(alone_ms * drift, share * mean_ms)))
    return found


def middle_ms(
    median_ms: float | None, mean_ms: float | None, serving: ServingFigures
) -> float | None:
    """The figure that stands for a window: the median, which outliers leave alone.

    A cascade's times have two peaks, and its median tells of one of them alone: there it is the mean, as on its card.
    """
    first, second = (median_ms, mean_ms) if serving.escalated is None else (mean_ms, median_ms)
    return first or second


def plausible(value: float | None) -> bool:
    """A number that can be a latency in ms."""
    return value is not None and LEAST_MS <= value <= MOST_MS


def _card_spread(card: Card) -> float:
    if card.latency_ms and card.latency_p99_ms and card.latency_p99_ms > card.latency_ms:
        return (card.latency_p99_ms / card.latency_ms - 1.0) / Z99
    return 0.05


def _learned(
    memory: LatencyMemory, windows: int, name: str, card: Card, sample: float
) -> Mapping[str, float]:
    """A card without latency: average the first windows, freed of the slowdown that others show."""
    if card.latency_ms:
        return memory.learned_ms
    known = memory.learned_ms.get(name)
    free = max(LEAST_MS, sample / memory.mean) if memory.history else sample
    if known is None:
        return {**memory.learned_ms, name: free}
    if windows < LEARN_WINDOWS:
        return {**memory.learned_ms, name: known + (free - known) / (windows + 1)}
    return memory.learned_ms


def _residual(memory: LatencyMemory, windows: int, name: str, ratio: float) -> Mapping[str, float]:
    """Just after a swap a surprise belongs to the variant; later, more and more, to the device."""
    gain = RESIDUAL_GAIN * RESIDUAL_FADE**windows
    if memory.history == windows or gain < 1e-4:  # the first variant has nothing to differ from
        return memory.residual
    known = memory.residual.get(name, 0.0)
    value = known + gain * (math.log(ratio / memory.mean) - known)
    return {**memory.residual, name: min(MAX_LOG, max(-MAX_LOG, value))}


def _filtered(memory: LatencyMemory, measured: float) -> tuple[float, float, float]:
    """One step of ALERT's scalar Kalman filter with adaptive process noise: mean, variance, noise.

    The gain comes from what was known before this sample, so a slower sample always means a slower forecast.
    """
    prior = memory.variance + memory.noise
    gain = prior / (prior + NOISE_R)
    step = gain * (measured - memory.mean)
    noise = at_least(NOISE_Q0, FORGET * memory.noise + (1.0 - FORGET) * step * step)
    if step < 0.0:
        # being faster than expected is no reason for doubt that could outweigh the good news
        noise = at_least(NOISE_Q0, at_most(memory.noise, noise))
    return at_least(1e-3, memory.mean + step), (1.0 - gain) * prior, at_most(100.0, noise)


def _shape(
    memory: LatencyMemory, serving: ServingFigures, sample: float, card: Card
) -> tuple[float, float | None]:
    """Waiting and spread of replies, as shares of the mean, smoothed; a rise counts more than a fall."""
    total = middle_ms(serving.latency_ms_p50, serving.latency_ms_mean, serving)
    if total is None or not plausible(total):
        return memory.wait_ratio, memory.spread
    wait_ratio = _smooth(memory.wait_ratio, at_least(0.0, total / sample - 1.0))
    tail, spread = serving.latency_ms_p99, memory.spread
    if tail is not None and plausible(tail):
        seen = at_least(0.0, tail / total - 1.0) / Z99
        if card.varies:
            seen = math.sqrt(at_least(0.0, seen * seen - _card_spread(card) ** 2))
        spread = seen if spread is None else _smooth(spread, seen)
    return wait_ratio, spread


def _smooth(old: float, new: float) -> float:
    return old + (0.3 if new > old else 0.1) * (new - old)
