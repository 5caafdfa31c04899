"""The shadow as the imagined worker runs it: frames on which two variants are compared, and what that costs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from edgerund.sim.loader import Loader
from edgerund.sim.world import DT_S, Truth, World
from edgerund.types import ServingFigures, Shadow


class Shadowing:
    """One per plant; its chance is its own, so that runs without a shadow are as they were."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"shadow {seed}")

    def run(
        self,
        world: World,
        tick: int,
        ladder: str,
        loader: Loader,
        shadow: Shadow | None,
        served: ServingFigures,
    ) -> tuple[ServingFigures, float]:
        """The figures of one tick with what was compared in it, and the watts that it took."""
        if shadow is None:
            return served, 0.0
        variants = world.truth[ladder]
        best, live = variants[0].name, loader.live
        there = any(v.name == shadow.variant and v.resident for v in loader.states())
        if not there or loader.loading or live == shadow.variant:
            return served, 0.0
        about = live if shadow.variant == best else shadow.variant
        rate_hz = min(shadow.share * served.rate_hz, shadow.max_per_s)
        frames = int(rate_hz * DT_S + self._rng.random())
        if best not in (live, shadow.variant) or frames == 0:
            return served, 0.0
        share = agreement(variants, about) * world.keeps(tick, ladder, about)
        agreed = sum(self._rng.random() < share for _ in range(frames))
        told = replace(served, shadow=about, shadowed=frames, agreed=float(agreed))
        return told, frames * loader.variants[shadow.variant].energy_j / DT_S


def agreement(variants: Sequence[Truth], name: str) -> float:
    """How often it answers like the best one where nothing drifts: the middle of what both accuracies allow.

    Two variants agree on at least A + B - 1 of the frames, and on at most 1 - |A - B| (Fréchet).
    """
    best = variants[0].accuracy
    own = next(v.accuracy for v in variants if v.name == name)
    return (max(0.0, own + best - 1.0) + 1.0 - abs(best - own)) / 2.0
