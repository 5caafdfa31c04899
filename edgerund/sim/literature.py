"""Two controllers from the literature, as far as their papers and code tell: ALERT-like and FOPDT with fuzzy rules."""

from __future__ import annotations

import math
from collections.abc import Mapping

from edgerund.sim.baselines import energy_share, usable, value_of
from edgerund.types import LadderState, Snapshot
from edgerund.types.policy import PolicyPlan


class AlertLike:
    """ALERT (Wan et al., USENIX ATC'20): Kalman slowdown, chance of the deadline, energy budget per window.

    It picks the variant with the highest accuracy x chance whose predicted power fits the energy pace. Heat is no
    part of ALERT: like a system under it, this one reacts when the limit is reached, going to the bottom until 5 C
    below.
    """

    name = "alert-like"

    def __init__(self, plan: PolicyPlan) -> None:
        self._plan = plan
        self._mean: dict[str, float] = {}
        self._variance: dict[str, float] = {}
        self._noise: dict[str, float] = {}
        self._rate_hz: dict[str, float] = {}
        self._cooling = False

    def reload(self, plan: PolicyPlan) -> None:
        self._plan = plan

    def step(self, snapshot: Snapshot) -> Mapping[str, str]:
        temp_c = value_of(snapshot, "temp_c")
        if self._plan.temp is not None and temp_c is not None:
            if temp_c >= self._plan.temp.max_c:
                self._cooling = True
            elif temp_c < self._plan.temp.max_c - 5.0:
                self._cooling = False
        return {name: self._choose(snapshot, ladder) for name, ladder in snapshot.ladders.items()}

    def _choose(self, snapshot: Snapshot, ladder: LadderState) -> str:
        names = usable(ladder) or [ladder.variants[-1].name]
        self._learn(ladder)
        if self._cooling:
            return names[-1]
        pace_w = self._pace_w(snapshot, ladder)
        best, best_worth = names[-1], -1.0
        for variant in ladder.variants:
            card = variant.card
            if variant.name not in names or card.latency_ms is None:
                continue
            if (card.energy_mj or 0) / 1000 * self._rate_hz.get(ladder.name, 0) > pace_w:
                continue
            worth = (card.accuracy or 0.0) * self._chance(ladder.name, card.latency_ms)
            if worth > best_worth:
                best, best_worth = variant.name, worth
        return best

    def _learn(self, ladder: LadderState) -> None:
        """The paper's filter: x = x + K (z - x), with process noise that follows the innovation."""
        serving = ladder.serving
        card = next((v.card for v in ladder.variants if v.name == serving.variant), None)
        if card is None or not card.latency_ms or serving.latency_ms_mean is None:
            return
        name, z = ladder.name, serving.latency_ms_mean / card.latency_ms
        self._rate_hz[name] = serving.rate_hz
        mean, variance = self._mean.get(name, 1.0), self._variance.get(name, 0.1)
        noise = max(1e-4, 0.3 * self._noise.get(name, 0.1) + 0.7 * (z - mean) ** 2 * 0.5)
        predicted = variance + noise
        gain = predicted / (predicted + 1e-3)
        self._mean[name] = mean + gain * (z - mean)
        self._variance[name], self._noise[name] = (1 - gain) * predicted, noise

    def _chance(self, name: str, latency_ms: float) -> float:
        if self._plan.latency is None:
            return 1.0
        deviation = latency_ms * math.sqrt(self._variance.get(name, 0.1) + 0.005)
        mean_ms = latency_ms * self._mean.get(name, 1.0)
        return 0.5 * (1 + math.erf((self._plan.latency.max_ms - mean_ms) / deviation / 1.41421))

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
        p95, latency = ladder.serving.latency_ms_p95, self._plan.latency
        if p95 is not None and latency is not None:
            pushes.append(_rules((latency.max_ms - p95) / latency.max_ms * 20.0))
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
    for (a, push_a), (b, push_b) in zip(centres, centres[1:], strict=False):
        if headroom < b:
            share = (headroom - a) / (b - a)
            return push_a + share * (push_b - push_a)
    return centres[-1][1]
