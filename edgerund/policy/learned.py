"""What a learned policy is shown, how its answer is read, and ``decide`` with it inside the constraints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from edgerund.policy.candidates import PLAIN_TERMS
from edgerund.policy.deadline import limit_of
from edgerund.policy.decide import Weighed, conclude, weigh
from edgerund.policy.shield import allowed, shield
from edgerund.policy.state import State
from edgerund.types import Decision, LadderState, Proposal, Snapshot
from edgerund.types.policy import PolicyPlan

BOARD = ("temp_headroom", "power", "energy_share", "busy", "since_swap")
VARIANT = ("accuracy", "latency_share", "power", "allowed", "live")
LARGEST = 10.0
UNKNOWN = -1.0


class Question(NamedTuple):
    """What is asked of one ladder: which of these variants, seen this (``observation``)?"""

    variants: tuple[str, ...]
    seen: tuple[float, ...]


Advise: TypeAlias = Callable[[Mapping[str, Question]], Mapping[str, Proposal]]
"""One question per ladder in, proposals out."""


def width(variants: int) -> int:
    """How many numbers an observation of a ladder of so many variants has."""
    return len(BOARD) + variants * len(VARIANT)


def advised(
    policy: PolicyPlan, state: State, snapshot: Snapshot, advise: Advise | None
) -> tuple[State, Mapping[str, Decision]]:
    """``decide``, where ``advise`` may propose what no constraint forbids. None: ``decide`` alone."""
    weighed = weigh(policy, state, snapshot)
    if advise is not None and policy.learned is not None and weighed.tables:
        weighed = shield(policy, weighed, advise(questions(policy, weighed, snapshot)))
    return conclude(policy, weighed)


def questions(policy: PolicyPlan, weighed: Weighed, snapshot: Snapshot) -> dict[str, Question]:
    """One for each ladder that the network is asked about."""
    asked = policy.learned.ladders if policy.learned is not None else ()
    return {
        table.ladder.name: Question(
            tuple([c.name for c in table.candidates]),
            observation(policy, weighed, snapshot, index),
        )
        for index, table in enumerate(weighed.tables)
        if not asked or table.ladder.name in asked
    }


def observation(
    policy: PolicyPlan, weighed: Weighed, snapshot: Snapshot, index: int
) -> tuple[float, ...]:
    """``BOARD``, then ``VARIANT`` for each variant, best first: about 0..1, within ``LARGEST``; -1: not known.

    temp_headroom: kelvins below the limit / 30; power: W / 20; energy_share: what the mission allows over what is
    drawn, at most 2, / 2; busy: share of time spent inferring; since_swap: seconds / 60, at most 1. latency_share:
    expected inference over the deadline, at most 2, / 2; power of a variant: W above idle / 10; allowed: 1 where a
    proposal would be heeded; live: 1 for the one that serves.
    """
    ladder = weighed.tables[index].ladder
    serving = ladder.serving
    window_s = serving.window_s
    rate_hz = (serving.answered + serving.refused) / window_s if window_s > 0 else 0.0
    mean_ms = serving.infer_ms_mean
    fit = allowed(policy, weighed, index)
    slow = _slowdown(ladder)
    limit = limit_of(policy, policy.ladders.get(ladder.name, PLAIN_TERMS), ladder)
    seen = [
        *_board(policy, weighed, snapshot),
        min(1.0, rate_hz * (mean_ms or 0.0) / 1000),
        min(1.0, (snapshot.now_s - ladder.since_s) / 60),
    ]
    for place, variant in enumerate(ladder.variants):
        card = variant.card
        late = (card.latency_ms or 0.0) * slow / limit.max_ms if limit is not None else 0.0
        seen += [
            UNKNOWN if card.accuracy is None else card.accuracy,
            min(2.0, late) / 2,
            UNKNOWN if card.energy_mj is None else card.energy_mj * rate_hz / 10_000,
            float(place in fit),
            float(variant.name == ladder.live),
        ]
    return tuple([_clipped(value) for value in seen])


def proposed(names: Sequence[str], scores: Sequence[float]) -> Proposal:
    """The variant with the highest score, the better one of equals; none where the scores cannot be compared."""
    if len(scores) != len(names):
        return Proposal(None, f"it scores {len(scores)} variants, this ladder has {len(names)}")
    if not all(map(math.isfinite, scores)):
        return Proposal(None, "its scores are not numbers")
    return Proposal(names[max(range(len(names)), key=lambda i: scores[i])])


def _board(policy: PolicyPlan, weighed: Weighed, snapshot: Snapshot) -> tuple[float, float, float]:
    """Temperature, power and energy, as far as they are known."""
    temp, battery = policy.temp, policy.battery
    temp_c = _value(weighed, temp.sense) if temp is not None else None
    power_mw = _value(weighed, policy.power.sense if policy.power is not None else "power_mw")
    headroom = UNKNOWN if temp is None or temp_c is None else (temp.max_c - temp_c) / 30
    power = UNKNOWN if power_mw is None else power_mw / 20_000
    left_mwh, percent = _value(weighed, "battery_energy_mwh"), _value(weighed, "battery_percent")
    if battery is None or battery.mission_s is None or not (left_mwh and percent and power_mw):
        return headroom, power, UNKNOWN
    began_s = weighed.state.battery.began_s
    left_s = battery.mission_s - (snapshot.now_s - (began_s if began_s is not None else 0.0))
    spend_mwh = left_mwh * (1 - battery.reserve_percent / percent)
    share = 1.0 if left_s <= 0 else spend_mwh / (power_mw * left_s / 3600)
    return headroom, power, min(2.0, share) / 2


def _value(weighed: Weighed, name: str) -> float | None:
    """What a sense says, if the controller itself would use it."""
    sensed = weighed.seen.sensed.get(name)
    return sensed.value if sensed is not None and sensed.usable else None


def _slowdown(ladder: LadderState) -> float:
    serving = ladder.serving
    live = next((v.card.latency_ms for v in ladder.variants if v.name == serving.variant), None)
    return serving.infer_ms_mean / live if serving.infer_ms_mean and live else 1.0


def _clipped(value: float) -> float:
    """Within the bounds that the environment promises; what is no number is not known."""
    return min(LARGEST, max(-LARGEST, value)) if not math.isnan(value) else UNKNOWN
