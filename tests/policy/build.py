"""Snapshots and ladders for tests, and a small closed loop that plays the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from edgerund.policy import State, decide, initial
from edgerund.types import (
    Card,
    Decision,
    Hold,
    LadderState,
    NoData,
    Reading,
    Sense,
    ServingFigures,
    Snapshot,
    VariantState,
)
from edgerund.types.policy import PolicyPlan

CARDS: Mapping[str, Card] = {
    "fp16": Card(
        accuracy=0.93, latency_ms=40.0, energy_mj=200.0, memory_bytes=400_000_000, load_ms=300.0
    ),
    "int8": Card(
        accuracy=0.91, latency_ms=20.0, energy_mj=90.0, memory_bytes=200_000_000, load_ms=200.0
    ),
    "tiny": Card(
        accuracy=0.85, latency_ms=8.0, energy_mj=30.0, memory_bytes=80_000_000, load_ms=100.0
    ),
    "nano": Card(
        accuracy=0.75, latency_ms=3.0, energy_mj=10.0, memory_bytes=20_000_000, load_ms=50.0
    ),
}
NAMES = tuple(CARDS)
BARE: Mapping[str, Card] = {name: Card() for name in CARDS}


def variants(cards: Mapping[str, Card] = CARDS, quarantined: str = "") -> tuple[VariantState, ...]:
    return tuple(
        VariantState(n, c, resident=True, quarantined="it crashed" if n == quarantined else None)
        for n, c in cards.items()
    )


def served(
    variant: str | None, rate_hz: float = 20.0, slow: float = 1.0, ms: float | None = None
) -> ServingFigures:
    if variant is None:
        return ServingFigures()
    infer_ms = ms if ms is not None else (CARDS[variant].latency_ms or 1.0) * slow
    return ServingFigures(
        variant=variant,
        window_s=1.0,
        answered=int(min(rate_hz, 1000.0 / infer_ms)),
        infer_ms_p50=infer_ms,
        infer_ms_mean=infer_ms,
        latency_ms_p50=infer_ms + 0.5,
        latency_ms_mean=infer_ms + 0.5,
        latency_ms_p99=infer_ms * 1.1 + 0.5,
    )


def ladder(
    live: str | None,
    *,
    name: str = "m",
    cards: Mapping[str, Card] = CARDS,
    since_s: float = 0.0,
    hold: Hold | None = None,
    serving: ServingFigures | None = None,
    quarantined: str = "",
) -> LadderState:
    return LadderState(
        name, variants(cards, quarantined), live, since_s, hold, serving or served(live)
    )


def readings(**values: float | None) -> dict[str, Sense]:
    """``None`` is a sensor without a value."""
    return {
        name: NoData(name, "offline", "it does not answer")
        if value is None
        else Reading(name, value, "", 0.1, "test")
        for name, value in values.items()
    }


def snapshot(now_s: float, *ladders: LadderState, **values: float | None) -> Snapshot:
    return Snapshot(now_s, 0.0, readings(**values), {one.name: one for one in ladders})


@dataclass
class Loop:
    """Plays the daemon: carries each decision out at once, and keeps what was decided."""

    policy: PolicyPlan
    live: str | None = None
    now_s: float = 0.0
    since_s: float = 0.0
    state: State = field(default_factory=State)
    decisions: list[Decision] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = initial(self.policy)

    def tick(
        self, change: Callable[[LadderState], LadderState] = lambda one: one, **values: float | None
    ) -> Decision:
        one = change(ladder(self.live, since_s=self.since_s))
        self.state, found = decide(self.policy, self.state, snapshot(self.now_s, one, **values))
        decision = found["m"]
        if decision.changed:
            self.live, self.since_s = decision.variant, self.now_s
        self.now_s += 1.0
        self.decisions.append(decision)
        return decision

    def run(
        self,
        ticks: int,
        change: Callable[[LadderState], LadderState] = lambda one: one,
        **values: float | None,
    ) -> Decision:
        for _ in range(ticks):
            decision = self.tick(change, **values)
        return decision

    def swaps(self) -> list[Decision]:
        return [d for d in self.decisions if d.changed]


def with_serving(serving: ServingFigures) -> Callable[[LadderState], LadderState]:
    return lambda one: replace(one, serving=serving)
