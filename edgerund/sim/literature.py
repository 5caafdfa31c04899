"""Controllers from the literature, as far as their papers and code tell: ALERT-like, and FOPDT with fuzzy rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

from edgerund.sim.baselines import deadline_ms, energy_share, usable, value_of
from edgerund.types import LadderState, Snapshot
from edgerund.types.policy import PolicyPlan


class AlertLike:
    """ALERT (Wan et al., USENIX ATC'20): Kalman slowdown, chance of the deadline, energy budget per window.

    It picks the variant with the highest accuracy x chance whose predicted power fits the energy pace; the deadline
    is at most the period between frames, as in the paper. Heat is no part of ALERT: like a system around it, this one
    reacts, capping the ladder one step lower every 5 s above the limit and one step higher every 10 s below it.
    """

    name = "alert-like"

    def __init__(self, plan: PolicyPlan) -> None:
        self._plan = plan
        self._mean: dict[str, float] = {}
        self._variance: dict[str, float] = {}
        self._noise: dict[str, float] = {}
        self._rate_hz: dict[str, float] = {}
        self._cap = 0
        self._capped_s = 0.0

    def reload(self, plan: PolicyPlan) -> None:
        self._plan = plan

    def step(self, snapshot: Snapshot) -> Mapping[str, str]:
        temp_c = value_of(snapshot, "temp_c")
        if self._plan.temp is not None and temp_c is not None:
            waited_s = snapshot.now_s - self._capped_s
            above = temp_c >= self._plan.temp.max_c
            longest = max(len(ladder.variants) for ladder in snapshot.ladders.values()) - 1
            if (above and waited_s >= 5.0) or (not above and waited_s >= 10.0):
                self._cap = min(longest, max(0, self._cap + (1 if above else -1)))
                self._capped_s = snapshot.now_s
        return {name: self._choose(snapshot, ladder) for name, ladder in snapshot.ladders.items()}

    def _choose(self, snapshot: Snapshot, ladder: LadderState) -> str:
        names = usable(ladder) or [ladder.variants[-1].name]
        self._learn(ladder)
        pace_w = self._pace_w(snapshot, ladder)
        best, best_worth = names[-1], -1.0
        for variant in ladder.variants[self._cap :]:
            card = variant.card
            if variant.name not in names or card.latency_ms is None:
                continue
            if (card.energy_mj or 0) / 1000 * self._rate_hz.get(ladder.name, 0) > pace_w:
                continue
            worth = (card.accuracy or 0.0) * self._chance(ladder, card.latency_ms)
            if worth > best_worth:
                best, best_worth = variant.name, worth
        return best

    def _learn(self, ladder: LadderState) -> None:
        """The paper's filter: x = x + K (z - x), with process noise that follows the innovation."""
        serving = ladder.serving
        card = next((v.card for v in ladder.variants if v.name == serving.variant), None)
        if card is None or not card.latency_ms or serving.infer_ms_mean is None:
            return
        name, z = ladder.name, serving.infer_ms_mean / card.latency_ms
        self._rate_hz[name] = serving.rate_hz + serving.refused / serving.window_s
        mean, variance = self._mean.get(name, 1.0), self._variance.get(name, 0.1)
        noise = max(1e-4, 0.3 * self._noise.get(name, 0.1) + 0.7 * (z - mean) ** 2 * 0.5)
        predicted = variance + noise
        gain = predicted / (predicted + 1e-3)
        self._mean[name] = mean + gain * (z - mean)
        self._variance[name], self._noise[name] = (1 - gain) * predicted, noise

    def _chance(self, ladder: LadderState, latency_ms: float) -> float:
        name, asked_ms = ladder.name, deadline_ms(ladder, self._plan)
        rate_hz = self._rate_hz.get(name, 0.0)
        if asked_ms is None or rate_hz <= 0:
            return 1.0
        asked_ms = min(asked_ms, 1000.0 / rate_hz)
        deviation = latency_ms * math.sqrt(self._variance.get(name, 0.1) + 0.005)
        mean_ms = latency_ms * self._mean.get(name, 1.0)
        return 0.5 * (1 + math.erf((asked_ms - mean_ms) / deviation / 1.41421))

    def _pace_w(self, snapshot: Snapshot, ladder: LadderState) -> float:
        share = energy_share(snapshot, self._plan)
        power_mw = value_of(snapshot, "power_mw")
        if share is None or power_mw is None:
            return math.inf
        live = next((v.card for v in ladder.variants if v.name == ladder.live), None)
        own_w = (live.energy_mj or 0) / 1000 * self._rate_hz.get(ladder.name, 0) if live else 0.0
        return power_mw / 1000 * share - (power_mw / 1000 - own_w)


class FuzzyFopdt:
    """First-order-plus-dead-time forecast of the temperature, and five fuzzy rules on headroom and slope.

    Gain and time constant are fixed as identified off line (tau about 100 s on a Jetson); the rules' weighted mean is
    a real-valued place on the ladder.
    """

    name = "fopdt-fuzzy"
    TAU_S = 100.0
    HORIZON_S = 30.0

    def __init__(self, plan: PolicyPlan) -> None:
        self._plan = plan
        self._place: dict[str, float] = {}
        self._past: list[float] = []

    def reload(self, plan: PolicyPlan) -> None:
        self._plan = plan

    def step(self, snapshot: Snapshot) -> Mapping[str, str]:
        temp_c = value_of(snapshot, "temp_c")
        if temp_c is not None:
            self._past = [*self._past[-9:], temp_c]
        chosen = {}
        for name, ladder in snapshot.ladders.items():
            names = usable(ladder) or [ladder.variants[-1].name]
            place = self._place.get(name, float(len(names) - 1))
            if int(snapshot.now_s) % 5 == 0:
                place += self._push(snapshot, ladder)
            self._place[name] = min(len(names) - 1.0, max(0.0, place))
            chosen[name] = names[round(self._place[name])]
        return chosen

    def _push(self, snapshot: Snapshot, ladder: LadderState) -> float:
        """Places towards the bottom, from the strongest of heat, latency and battery."""
        pushes = [self._heat()]
        p95, asked_ms = ladder.serving.latency_ms_p95, deadline_ms(ladder, self._plan)
        if p95 is not None and asked_ms is not None:
            pushes.append(_rules((asked_ms - p95) / asked_ms * 20.0))
        share = energy_share(snapshot, self._plan)
        if share is not None:
            pushes.append(_rules((share - 1.0) * 40.0))
        return max(pushes)

    def _heat(self) -> float:
        if self._plan.temp is None:
            return -0.5
        if len(self._past) < 2:
            return 0.0
        slope = (self._past[-1] - self._past[0]) / (len(self._past) - 1)
        rise_c = slope * self.TAU_S * (1 - math.exp(-self.HORIZON_S / self.TAU_S))
        return _rules(self._plan.temp.max_c - 2.0 - (self._past[-1] + rise_c))


def _rules(headroom: float) -> float:
    """Triangles at -4, 0, 3, 8, 15 of headroom: jump down, step down, stay, creep up, step up."""
    centres = ((-4.0, 2.0), (0.0, 0.7), (3.0, 0.0), (8.0, -0.3), (15.0, -0.6))
    if headroom <= centres[0][0]:
        return centres[0][1]
    for (a, push_a), (b, push_b) in pairwise(centres):
        if headroom < b:
            share = (headroom - a) / (b - a)
            return push_a + share * (push_b - push_a)
    return centres[-1][1]
